//! Velocities, momenta and their units.

use super::*;

/// Two argon atoms that run towards each other at this speed.
fn moving(columns: &str, speed: f64, pairs: &str) -> String {
    format!(
        "2\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:pos:R:3:{columns} {pairs}\n\
         Ar 0 0 0 {speed} 0 0\nAr 4 0 0 -{speed} 0 0\n"
    )
}

fn kelvin(text: &str, unit: Option<VelocityUnit>) -> Result<f64, String> {
    let frame = Frame::parse("a", text.as_bytes()).map_err(|e| e.to_string())?;
    let system = frame.into_system("a", unit).map_err(|e| e.to_string())?;
    Ok(system.temperature())
}

#[test]
fn velocities_are_read_in_the_unit_that_their_temperature_shows() {
    // m v^2 summed over both atoms is 3 k T: 2 * 39.948 * 4 * MVV2E / (3 k).
    let want = 8.0 * 39.948 * crate::md::MVV2E / (3.0 * crate::md::BOLTZMANN);
    let near = |got: Result<f64, String>, what: &str| {
        let got = got.unwrap_or_else(|e| panic!("{what}: {e}"));
        assert!((got / want - 1.0).abs() < 1e-12, "{what}: {got} K, expected {want} K");
    };
    let header = format!("Temperature={want}");
    for column in [
        "vel:R:3",
        "velo:R:3",
        "Velo:R:3",
        "velocities:R:3",
        "velocity:R:3",
        "v:R:3",
        "vxyz:R:3",
        "atomic_velocities:R:3",
        "v_x:R:1:v_y:R:1:v_z:R:1",
        "Velocity.X:R:1:Velocity.Y:R:1:Velocity.Z:R:1",
    ] {
        near(kelvin(&moving(column, 2.0, &header), None), column);
        near(kelvin(&moving(column, 0.002, &header), None), column);
        near(kelvin(&moving(column, 0.002, "velocity_unit=A/fs"), None), column);
        near(kelvin(&moving(column, 2.0, ""), Some(VelocityUnit::PerPicosecond)), column);
        near(kelvin(&moving(column, 0.002, ""), Some(VelocityUnit::PerFemtosecond)), column);
        let err = kelvin(&moving(column, 0.002, ""), None).unwrap_err();
        assert!(err.contains("without a unit") && err.contains("state A/ps or A/fs"), "{err}");
    }
    near(kelvin(&moving("vx:R:1:vy:R:1:vz:R:1", 2.0, &header), None), "apart");
    // 3N degrees of freedom in place of 3N - 3, and a lower-case key.
    near(kelvin(&moving("vel:R:3", 2.0, &format!("temperature={}", want / 2.0)), None), "3N");
    for (share, is_near) in [(0.949, false), (0.951, true), (1.049, true), (1.051, false)] {
        let header = format!("Temperature={}", want / share);
        let got = kelvin(&moving("vel:R:3", 2.0, &header), None);
        assert_eq!(got.is_ok(), is_near, "{share} of what line 2 says");
        assert!(is_near || got.unwrap_err().contains("line 2 says"), "{share}");
    }
    assert_eq!(kelvin(&moving("vel:R:3", 0.0, ""), None), Ok(0.0), "at rest in any unit");
}

#[test]
fn a_stated_unit_that_the_file_contradicts_is_an_error() {
    let ps = Some(VelocityUnit::PerPicosecond);
    let want = 8.0 * 39.948 * crate::md::MVV2E / (3.0 * crate::md::BOLTZMANN);
    let err = kelvin(&moving("vel:R:3", 0.002, &format!("Temperature={want}")), ps).unwrap_err();
    assert!(err.contains("expected A/ps and the Temperature of"), "{err}");
    let err = kelvin(&moving("vel:R:3", 0.002, "velocity_unit=A/fs"), ps).unwrap_err();
    assert!(err.contains("velocity_unit in the file and the stated unit A/ps differ"), "{err}");
    let err = kelvin(&moving("vel:R:3", 0.002, "velocity_unit=nm/ps"), None).unwrap_err();
    assert!(err.contains("found velocity_unit=\"nm/ps\", expected A/ps or A/fs"), "{err}");
    assert!("m/s".parse::<VelocityUnit>().is_err(), "no unit of these");
    assert_eq!("A/fs".parse(), Ok(VelocityUnit::PerFemtosecond), "as it is written");
}

/// The momentum of an atom of 39.948 amu at 1 ASE unit of velocity, 98.227 angstrom/ps.
#[test]
fn momenta_of_ase_are_in_its_own_unit_of_time() {
    let text = moving("momenta:R:3", 39.948, "");
    let frame = Frame::parse("a", text.as_bytes()).unwrap();
    let system = frame.into_system("a", None).unwrap();
    let speed = system.velocities[0][0];
    assert!((speed / 98.226_947_88 - 1.0).abs() < 1e-7, "{speed}");
    // Its kinetic energy is m/2 in eV.
    assert!((system.kinetic_energy() / 39.948 - 1.0).abs() < 1e-12, "{}", system.kinetic_energy());
}

#[test]
fn momenta_whose_temperature_shows_another_unit_are_refused() {
    let want = 8.0 * 39.948 * crate::md::MVV2E / (3.0 * crate::md::BOLTZMANN);
    let header = format!("Temperature={want}");
    let err = kelvin(&moving("momenta:R:3", 2.0 * 39.948, &header), None).unwrap_err();
    let of_ase = want / crate::md::MVV2E;
    let want = format!(
        "a: found momenta of {of_ase:.4} K in the unit of ASE, expected that unit; of amu A/ps \
         they are {want} K, as line 2 says"
    );
    assert_eq!(err, want);
    let other = kelvin(&moving("momenta:R:3", 39.948, "Temperature=300"), None);
    assert!(other.is_ok(), "the temperature of a thermostat, perhaps");
}

#[test]
fn motion_that_is_not_understood_is_named() {
    for columns in [
        "momentum:R:3",
        "vel:S:3",
        "velocity_x:R:3",
        "vx:R:1:vy:R:1:w:R:1",
        "vel:L:3",
        "p:R:3",
        "px:R:1:py:R:1:pz:R:1",
        "initial_velocity:R:3",
        "speed:R:3",
    ] {
        let err = kelvin(&moving(columns, 1.0, ""), None).unwrap_err();
        let column = columns.split_inclusive(':').take(3).collect::<String>();
        let want = format!(
            "a: found the column {}, expected velocities as velo:R:3 or vel:R:3, momenta of ASE as \
             momenta:R:3, or no such column",
            column.trim_end_matches(':')
        );
        assert_eq!(err, want);
    }
    // Beside velocities that are, a speed is not needed.
    let both = moving("vel_magnitude:R:1:vel:R:3", 1.0, "velocity_unit=A/ps");
    assert!(
        kelvin(&both.replace("Ar 0 0 0", "Ar 0 0 0 1").replace("Ar 4 0 0", "Ar 4 0 0 1"), None)
            .is_ok()
    );
    for columns in ["v:R:1:w:R:2", "moments:R:3", "moment:R:1:w:R:2", "s:R:1:px:R:1:py:R:1"] {
        assert_eq!(kelvin(&moving(columns, 1.0, ""), None), Ok(0.0), "{columns} is no motion");
    }
}

#[test]
fn atoms_at_rest_beside_a_temperature_are_refused() {
    let rest = "expected velocities or momenta of the atoms; without that key they are taken to be \
                at rest";
    for (columns, speed, found) in [
        ("charge:R:3", 1.0, "Temperature=300 without velocities"),
        ("vel:R:3", 0.0, "Temperature=300 beside vel that are all zero"),
        ("momenta:R:3", 0.0, "Temperature=300 beside momenta that are all zero"),
        ("vx:R:1:vy:R:1:vz:R:1", 0.0, "Temperature=300 beside vel that are all zero"),
    ] {
        for key in ["Temperature=300.0", "temperature=3D2", "TEMPERATURE=[300]"] {
            let err = kelvin(&moving(columns, speed, key), None).unwrap_err();
            assert_eq!(err, format!("a: found {found}, {rest}"), "{key}");
            let stated = kelvin(&moving(columns, speed, key), Some(VelocityUnit::PerPicosecond));
            assert_eq!(stated, Err(err), "a unit is no velocity");
        }
        for key in ["", "Temperature=0", "Temperature=cold", "Temperature=\"1 2\"", "temp_max=300"]
        {
            assert_eq!(kelvin(&moving(columns, speed, key), None), Ok(0.0), "{columns}, {key}");
        }
    }
}

#[test]
fn two_values_of_what_tells_the_unit_stop_a_file_only_where_the_unit_hangs_on_them() {
    use VelocityUnit::{PerFemtosecond, PerPicosecond};
    let of = |columns: &str, pairs: &str, unit| kelvin(&moving(columns, 1.0, pairs), unit);
    let slow = of("vel:R:3", "", Some(PerPicosecond)).unwrap();
    let fast = of("vel:R:3", "", Some(PerFemtosecond)).unwrap();
    assert!((fast / slow / 1e6 - 1.0).abs() < 1e-12, "{fast} K and {slow} K");
    for (pairs, found) in [
        ("Temperature=300 temperature=4D2", "Temperature=\"300\" and Temperature=\"4D2\""),
        ("Temperature=300 Temperature=cold", "Temperature=\"300\" and Temperature=\"cold\""),
        (
            "velocity_unit=A/fs velocity_unit=A/ps",
            "velocity_unit=\"A/fs\" and velocity_unit=\"A/ps\"",
        ),
        (
            "Velocity_Unit=nm/ps velocity_unit=A/ps",
            "velocity_unit=\"nm/ps\" and velocity_unit=\"A/ps\"",
        ),
    ] {
        let err = of("vel:R:3", pairs, None).unwrap_err();
        assert_eq!(err, format!("a: found {found}, expected one of the two"));
        assert_eq!(of("vel:R:3", pairs, Some(PerPicosecond)), Ok(slow), "{pairs}, stated");
        assert_eq!(of("vel:R:3", pairs, Some(PerFemtosecond)), Ok(fast), "{pairs}, stated");
        assert!(of("momenta:R:3", pairs, None).is_ok(), "{pairs} beside a known unit");
        assert_eq!(
            of("moment:R:3", pairs, None).is_ok(),
            !pairs.contains("300"),
            "{pairs} at rest"
        );
        let frame = Frame::parse("a", moving("vel:R:3", 1.0, pairs).as_bytes()).unwrap();
        let again = frame.to_text("b").unwrap();
        assert_eq!(Frame::parse("b", again.as_bytes()).unwrap(), frame, "{again}");
    }
    let both = "velocity_unit=A/ps Temperature=300 Temperature=400";
    assert_eq!(of("vel:R:3", both, None), Ok(slow), "a unit that the file states");
    for same in ["velocity_unit=A/ps Velocity_Unit='A/ps'", "velocity_unit=A/ps velocity_unit=A/ps"]
    {
        assert_eq!(of("vel:R:3", same, None), Ok(slow), "{same}");
    }
    let same = format!("Temperature={fast} temperature=[{fast}]");
    assert_eq!(of("vel:R:3", &same, None), Ok(fast), "{same}");
}

/// Two silicon atoms that run towards each other at 342 K, as QUIP writes them.
#[test]
fn silicon_of_quip_at_342_kelvin_is_not_at_0_0003() {
    let text = |pairs| {
        format!(
            "2\nLattice=\"9 0 0 0 9 0 0 0 9\" Properties=species:S:1:pos:R:3:velo:R:3 {pairs}\n\
             Si 0 0 0 0.003897 0 0\nSi 4 0 0 -0.003897 0 0\n"
        )
    };
    let err = kelvin(&text(""), None).unwrap_err();
    assert!(err.contains("without a unit: 0.0003 K in A/ps, 341.9872 K in A/fs"), "{err}");
    for (pairs, unit) in [
        ("", Some(VelocityUnit::PerFemtosecond)),
        ("Temperature=342", None),
        ("velocity_unit=A/fs", None),
    ] {
        let got = kelvin(&text(pairs), unit).unwrap();
        assert!((got - 342.0).abs() < 0.05, "{got} K with {pairs:?}");
    }
}

/// Two atoms of 28.0 amu at 300 K, as GPUMD writes them; with the mass of silicon they are hotter.
#[test]
fn atoms_of_gpumd_are_at_300_kelvin_by_their_own_masses_and_not_at_300_9() {
    let text = "2\npbc=\"T T T\" Lattice=\"9 0 0 0 9 0 0 0 9\" \
                Properties=species:S:1:pos:R:3:mass:R:1:vel:R:3\n\
                Si 0 0 0 28.0 0.0036555 0 0\nSi 4 0 0 28.0 -0.0036555 0 0\n";
    let own = Frame::parse("a", text.as_bytes()).unwrap();
    let standard = Frame { masses: None, ..own.clone() };
    for (frame, want) in [(own, 300.0), (standard, 300.9)] {
        let system = frame.into_system("a", Some(VelocityUnit::PerFemtosecond)).unwrap();
        let got = system.temperature();
        assert!((got - want).abs() < 0.05, "{got} K, expected {want} K");
    }
}

#[test]
fn nothing_moves_faster_than_light() {
    for (columns, speed, unit) in [
        ("vel:R:3", 3.1e6, VelocityUnit::PerPicosecond),
        ("vel:R:3", 3.1e3, VelocityUnit::PerFemtosecond),
        ("vel:R:3", 1e306, VelocityUnit::PerFemtosecond),
        ("momenta:R:3", 39.948 * 3.1e4, VelocityUnit::PerPicosecond),
    ] {
        let err = kelvin(&moving(columns, speed, ""), Some(unit)).unwrap_err();
        assert!(err.contains("expected less than that of light"), "{columns} {speed}: {err}");
        assert!(kelvin(&moving(columns, speed * 0.9, ""), Some(unit)).is_ok() == (speed < 1e300));
    }
}

#[test]
fn momenta_of_a_system_are_its_velocities_in_the_unit_of_ase() {
    let mut system = crate::md::fixtures::silicon_512();
    system.masses.iter_mut().step_by(3).for_each(|m| *m = 30.0);
    let frame = |system: &System| {
        let motion = Some(Motion::momenta(system));
        Frame { motion, info: BTreeMap::new(), ..Frame::of(system) }
    };
    let read = |system: &System| frame(system).into_system("a", None).unwrap();
    let once = read(&system);
    let pairs = || once.velocities.iter().flatten().zip(system.velocities.iter().flatten());
    assert!(pairs().all(|(x, y)| (x - y).abs() <= 4.0 * f64::EPSILON * y.abs()), "velocities");
    assert!(pairs().any(|(x, y)| x != y), "roundings");
    // One amu moved by one angstrom in one unit of time has one eV twice over.
    let momentum = frame(&system).motion.unwrap().values[0];
    let twice: f64 = momentum.iter().map(|p| p * p).sum::<f64>() / 30.0;
    let v: f64 = system.velocities[0].iter().map(|v| v * v).sum();
    assert!((twice / (30.0 * crate::md::MVV2E * v) - 1.0).abs() < 1e-14, "energy {twice}");
}
