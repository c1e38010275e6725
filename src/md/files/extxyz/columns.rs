//! The columns of the atom lines, by the names that `Properties` gives them.
//!
//! Names of motion and of masses are compared without case, punctuation and a leading `atom` or
//! `atomic`; others as they are written. Three numbers by
//! a name of velocities, or three columns of them by axis, are the motion. All else is kept as text; a
//! name that speaks of motion or of masses in another way so that who needs either can be told.

use super::comment::Fault;
use super::motion::MOMENTA;
use super::{About, ONE, quote};

/// The places of the columns that are read.
#[derive(Debug)]
pub(super) struct Layout {
    /// How many there are, read or not.
    pub(super) columns: usize,
    pub(super) species: Option<usize>,
    pub(super) number: Option<usize>,
    pub(super) position: usize,
    pub(super) masses: Vec<usize>,
    pub(super) motion: Option<(String, [usize; 3])>,
    pub(super) forces: Vec<Column>,
    pub(super) unread: Vec<(Column, About)>,
}

/// A run of columns with one name.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// `name:type:columns`.
    pub(super) declared: String,
    pub(super) start: usize,
    pub(super) count: usize,
}

/// What a column is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Species,
    Number,
    Position,
    Mass,
    Forces,
    Motion,
    /// A velocity along this axis.
    Velocity(usize),
    /// Perhaps a momentum along this axis.
    Momentum(usize),
    Unread(About),
}

/// Names of velocities.
const VELOCITIES: [&str; 8] =
    ["v", "vel", "vels", "velo", "velos", "velocity", "velocities", "vxyz"];

/// The layout that `Properties` states.
pub(super) fn layout(properties: &str) -> Result<Layout, Fault> {
    let words: Vec<&str> = properties.split(':').collect();
    let (mut columns, mut masses, mut forces, mut unread) =
        (0_usize, Vec::new(), Vec::new(), Vec::new());
    let [mut species, mut number, mut position, mut motion] = [const { None }; 4];
    let [mut velocity, mut momentum] = [const { [const { None }; 3] }; 2];
    for triple in words.chunks(3) {
        let declared = triple.join(":");
        let fault = |expected: &str| [with(&[&declared]), expected.to_owned()];
        let form = "name:type:columns, with the type S, I, R or L";
        let count = triple.get(2).and_then(|n| n.parse::<usize>().ok()).filter(|n| *n > 0);
        let (&[name, kind @ ("S" | "R" | "I" | "L"), _], Some(count)) = (triple, count) else {
            return Err(fault(form));
        };
        let start = columns;
        columns = start.checked_add(count).ok_or_else(|| fault(form))?;
        let role = role(name, kind, count).map_err(fault)?;
        let column = Column { declared, start, count };
        let slot = match role {
            Role::Species => &mut species,
            Role::Number => &mut number,
            Role::Position => &mut position,
            Role::Motion => &mut motion,
            Role::Velocity(axis) => &mut velocity[axis],
            Role::Momentum(axis) => {
                match &mut momentum[axis] {
                    first @ None => *first = Some(column),
                    Some(_) => unread.push((column, About::Other)),
                }
                continue;
            }
            Role::Mass => {
                masses.push(start);
                continue;
            }
            Role::Forces => {
                forces.push(column);
                continue;
            }
            Role::Unread(about) => {
                unread.push((column, about));
                continue;
            }
        };
        if let Some(other) = slot.replace(column.clone()) {
            return Err(two(&other, &column));
        }
    }
    let motion = match (motion, velocity) {
        (Some(motion), [Some(x), Some(_), Some(_)]) => return Err(two(&motion, &x)),
        (None, [Some(x), Some(y), Some(z)]) => {
            Some(("vel".to_owned(), [x.start, y.start, z.start]))
        }
        (motion, some) => {
            unread.extend(some.into_iter().flatten().map(|column| (column, About::Motion)));
            motion.map(|column: Column| {
                let (name, _) = column.declared.split_once(':').unwrap_or_default();
                (name.to_owned(), [column.start, column.start + 1, column.start + 2])
            })
        }
    };
    let about = if momentum.iter().all(Option::is_some) { About::Motion } else { About::Other };
    unread.extend(momentum.into_iter().flatten().map(|column| (column, about)));
    unread.sort_by_key(|(column, _)| column.start);
    let start = |column: Column| column.start;
    let (species, number) = (species.map(start), number.map(start));
    let Some(position) = position.map(start).filter(|_| species.or(number).is_some()) else {
        return Err([with(&[properties]), "species:S:1 or Z:I:1, and pos:R:3".to_owned()]);
    };
    Ok(Layout { columns, species, number, position, masses, motion, forces, unread })
}

fn with(columns: &[&str]) -> String {
    let quoted: Vec<_> = columns.iter().map(|column| quote(column)).collect();
    format!("Properties with {}", quoted.join(" and "))
}

fn two(first: &Column, second: &Column) -> Fault {
    [with(&[&first.declared, &second.declared]), ONE.to_owned()]
}

/// What a column of this name and type is for; an error is what it should be.
fn role(name: &str, kind: &str, count: usize) -> Result<Role, &'static str> {
    let is_number = kind == "R" || kind == "I";
    let [is_scalar, is_vector] = [1, 3].map(|n| is_number && count == n);
    let fit = |fits: bool, role, needed| if fits { Ok(role) } else { Err(needed) };
    match &*name.to_ascii_lowercase() {
        "species" => return fit(kind == "S" && count == 1, Role::Species, "species:S:1"),
        "pos" => return fit(is_vector, Role::Position, "pos:R:3"),
        // Lower case `z` is a coordinate.
        "z" if name == "Z" && kind == "I" && count == 1 => return Ok(Role::Number),
        "forces" | "force" if is_vector => return Ok(Role::Forces),
        MOMENTA if is_vector => return Ok(Role::Motion),
        _ => {}
    }
    let words = words(name);
    let joined = words.concat();
    let bare = ["atomic", "atom"].iter().find_map(|atom| joined.strip_prefix(atom));
    let of_atoms = bare.is_some();
    let bare = bare.filter(|bare| !bare.is_empty()).unwrap_or(&joined);
    let along =
        bare.char_indices().last().and_then(|(at, axis)| Some((&bare[..at], "xyz".find(axis)?)));
    Ok(match (bare, along) {
        ("mass" | "masses", _) => return fit(is_scalar, Role::Mass, "masses:R:1"),
        ("v", _) if !is_vector => Role::Unread(About::Other),
        (name, _) if VELOCITIES.contains(&name) && is_vector => Role::Motion,
        (_, Some((stem, axis))) if VELOCITIES.contains(&stem) && is_scalar => Role::Velocity(axis),
        (_, Some((stem, _))) if VELOCITIES.contains(&stem) => Role::Unread(About::Motion),
        (_, Some(("p", axis))) if is_scalar => Role::Momentum(axis),
        ("p" | "pxyz", _) if is_vector => Role::Unread(About::Motion),
        _ if is_motion(&words, &joined) => Role::Unread(About::Motion),
        ("m", _) if is_scalar => Role::Unread(About::Mass),
        ("weight" | "weights", _) if of_atoms && is_scalar => Role::Unread(About::Mass),
        _ if is_scalar && is_mass(&words) => Role::Unread(About::Mass),
        _ => Role::Unread(About::Other),
    })
}

/// The words of a name in lower case: they end at punctuation, and where a capital starts another.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || before.is_lowercase() && c.is_uppercase() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words
}

/// Whether a name speaks of how atoms move; a magnetic momentum is none of that.
fn is_motion(words: &[String], joined: &str) -> bool {
    let has = |parts: &[&str]| parts.iter().any(|part| joined.contains(part));
    words.iter().any(|word| word.starts_with("vel") || word.starts_with("speed"))
        || has(&["velocit", "momentum", "momenta"]) && !has(&["magn"])
}

fn is_mass(words: &[String]) -> bool {
    words.iter().any(|word| word == "mass" || word == "masses")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(declared: &str) -> Result<Role, &'static str> {
        let parts: Vec<_> = declared.split(':').collect();
        role(parts[0], parts[1], parts[2].parse().unwrap())
    }

    #[test]
    fn a_column_is_taken_by_its_name_however_that_is_written() {
        let unread = Role::Unread;
        for (role, all) in [
            (
                Role::Motion,
                "vel:R:3 Vel:R:3 VELO:R:3 velocity:R:3 Velocities:I:3 v:R:3 vxyz:R:3 \
                 atomic_velocities:R:3 atomVelocity:R:3 atomicvel:R:3 momenta:R:3 Momenta:R:3",
            ),
            (Role::Velocity(0), "vx:R:1 v_x:R:1 Velocity.X:R:1 vel-x:I:1 velo_x:R:1 atom_vx:R:1"),
            (Role::Velocity(2), "vz:R:1 v_z:R:1 velz:R:1"),
            (Role::Momentum(1), "py:R:1 p_y:R:1"),
            (
                unread(About::Motion),
                "p:R:3 pxyz:R:3 momentum:R:3 atomic_momenta:R:3 momenta:R:1 vel:S:3 vel:L:3 \
                 vel:R:4 vx:S:1 v_x:R:2 velocity_magnitude:R:1 initial_velocities:R:3 myVel:R:3 \
                 speed:R:1 angular_velocity:R:3 angularmomentum:R:3",
            ),
            (Role::Mass, "mass:R:1 Masses:I:1 atomic_mass:R:1 atomMass:R:1 atomic_masses:R:1"),
            (unread(About::Mass), "m:R:1 mass_amu:R:1 ion-mass:R:1 atomic_weight:R:1"),
            (Role::Number, "Z:I:1"),
            (Role::Forces, "forces:R:3 force:R:3 Forces:R:3"),
            (
                unread(About::Other),
                "moment:R:1 moments:R:3 magnetic_moment:R:3 magmoms:R:3 magnetic_momentum:R:3 \
                 v:R:1 p:R:1 m:R:3 z:I:1 Z:R:1 level:I:1 wavelength:R:1 weight:R:1 forces:R:1 \
                 center_of_mass:R:3 charge:R:1 dipole_x:R:1 x:R:1 \u{394}v:R:3 _:R:3 pressure:R:3",
            ),
        ] {
            for column in all.split_whitespace() {
                assert_eq!(of(column), Ok(role), "{column}");
            }
        }
        for (column, needed) in [
            ("Species:I:1", "species:S:1"),
            ("POS:R:2", "pos:R:3"),
            ("atomic_mass:R:3", "masses:R:1"),
        ] {
            assert_eq!(of(column), Err(needed), "{column}");
        }
    }

    #[test]
    fn only_three_momenta_by_axis_are_a_motion() {
        let unread = |columns: &str| {
            let layout = layout(&format!("species:S:1:pos:R:3:{columns}")).unwrap();
            let moves = layout.unread.into_iter().filter(|(_, about)| *about == About::Motion);
            moves.map(|(column, _)| column.declared).collect::<Vec<_>>()
        };
        assert_eq!(unread("px:R:1:py:R:1:pz:R:1"), ["px:R:1", "py:R:1", "pz:R:1"], "a momentum");
        assert!(unread("s:R:1:px:R:1:py:R:1").is_empty(), "orbitals");
        assert_eq!(
            unread("vy:R:1:speed:R:1:vx:R:1"),
            ["vy:R:1", "speed:R:1", "vx:R:1"],
            "in order"
        );
    }

    #[test]
    fn two_columns_for_one_purpose_are_named() {
        for (columns, two) in [
            ("Pos:R:3", "\"pos:R:3\" and \"Pos:R:3\""),
            ("pos:R:3", "\"pos:R:3\" and \"pos:R:3\""),
            ("SPECIES:S:1", "\"species:S:1\" and \"SPECIES:S:1\""),
            ("vel:R:3:Vel:R:3", "\"vel:R:3\" and \"Vel:R:3\""),
            ("vel:R:3:vx:R:1:vy:R:1:vz:R:1", "\"vel:R:3\" and \"vx:R:1\""),
            ("vx:R:1:v_y:R:1:vz:R:1:momenta:R:3", "\"momenta:R:3\" and \"vx:R:1\""),
            ("vx:R:1:v_x:R:1", "\"vx:R:1\" and \"v_x:R:1\""),
        ] {
            let fault = layout(&format!("species:S:1:pos:R:3:{columns}")).unwrap_err();
            assert_eq!(fault, [format!("Properties with {two}"), "one of the two".to_owned()]);
        }
        // Nobody needs any of these.
        for columns in [
            "id:I:1:id:I:1",
            "Charge:R:1:charge:R:1",
            "vel:R:3:vx:R:1",
            "z:I:1:Z:I:1:Z:R:1",
            "px:R:1:px:R:1",
        ] {
            assert!(layout(&format!("species:S:1:pos:R:3:{columns}")).is_ok(), "{columns}");
        }
    }
}
