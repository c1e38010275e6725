"""Boxes of atoms for the runners of molecular dynamics, and the potentials of metals as tables."""

import pathlib
import re

import numpy as np

FIXTURES = pathlib.Path(__file__).parents[2] / "fixtures"

KCAL_PER_MOL = 4184.0 / 96485.33212331

# SPC/Fw: eV, angstrom, degrees.
BOND, LENGTH = 1059.162 * KCAL_PER_MOL, 1.012
BEND, ANGLE = 75.90 * KCAL_PER_MOL, 113.24
EPSILON, SIGMA = 0.1554253 * KCAL_PER_MOL, 3.165492
HYDROGEN = 0.41
CUTOFF = 9.0


def fixture(name):
    """Edges, symbols, positions in angstrom and velocities in angstrom/ps of a right-angled box of `fixtures/`."""
    lines = (FIXTURES / f"{name}.extxyz").read_text().splitlines()
    rows = np.array(re.search('Lattice="([^"]*)"', lines[1])[1].split(), float).reshape(3, 3)
    fields = [line.split() for line in lines[2:]]
    numbers = np.array([field[1:7] for field in fields], float)
    return rows.diagonal(), [field[0] for field in fields], numbers[:, :3], numbers[:, 3:]


def sutton_chen(r):
    """V in eV and phi of aluminium, switched off between 6.5 and 7.5 angstrom."""
    x = np.clip(r - 6.5, 0, 1)
    switch = (1 - x) ** 3 * (1 + 3 * x + 6 * x * x)
    return 0.033147 * (4.05 / r) ** 7 * switch, (4.05 / r) ** 6 * switch


def finnis_sinclair(r):
    """The same of iron, by the erratum of 1986."""
    gap, far = np.minimum(r - 3.40, 0), np.minimum(r - 3.569745, 0)
    v = gap**2 * (1.2371147 - 0.3592185 * r - 0.0385607 * r * r)
    return v, far**2 * (1 + 1.8 * far / 3.569745)


def table(path, symbol, mass, law, strength, cutoff, densest, points=2000):
    """Writes energies -strength sqrt(density), densities and r V of a law in the format of LAMMPS eam/alloy."""
    r = np.arange(points) * (cutoff / (points - 1))
    # At 0, which no pair reaches, the second number once more.
    v, phi = law(np.maximum(r, r[1]))
    density = np.arange(points) * (densest / (points - 1))
    columns = [-strength * np.sqrt(density), phi, r * v]
    head = ["", "", "", f"1 {symbol}", f"{points} {density[1]!s} {points} {r[1]!s} {cutoff}", f"0 {mass} 0 none"]
    path.write_text("\n".join(head + [repr(float(x)) for column in columns for x in column]) + "\n")
