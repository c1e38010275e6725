"""OpenMM on its CPU platform with one thread: leapfrog steps of water in a reaction field."""

import numpy as np
import openmm
from openmm import unit

from atoms import ANGLE, BEND, BOND, CUTOFF, EPSILON, HYDROGEN, LENGTH, SIGMA, fixture
from protocol import report, require

# Of the fixture, in eV per atom, by our own reference.
WATER_648 = -0.145518

EV = 96.48533212331  # kJ/mol


def system(edges, symbols):
    """OpenMM counts in nm, kJ/mol and radians."""
    system = openmm.System()
    system.setDefaultPeriodicBoxVectors(*(np.diag(edges) / 10))
    pairs = openmm.NonbondedForce()
    pairs.setNonbondedMethod(openmm.NonbondedForce.CutoffPeriodic)
    pairs.setCutoffDistance(CUTOFF / 10)
    pairs.setReactionFieldDielectric(78.3)
    pairs.setUseDispersionCorrection(False)
    pairs.setExceptionsUsePeriodicBoundaryConditions(True)
    bonds, angles = openmm.HarmonicBondForce(), openmm.HarmonicAngleForce()
    for force in (bonds, angles):
        force.setUsesPeriodicBoundaryConditions(True)
    for symbol in symbols:
        is_oxygen = symbol == "O"
        system.addParticle(15.999 if is_oxygen else 1.008)
        charge = -2 * HYDROGEN if is_oxygen else HYDROGEN
        pairs.addParticle(charge, SIGMA / 10, EPSILON * EV if is_oxygen else 0.0)
    for o in range(0, len(symbols), 3):
        for h in (o + 1, o + 2):
            bonds.addBond(o, h, LENGTH / 10, BOND * EV * 100)
            pairs.addException(o, h, 0, 0.1, 0)
        pairs.addException(o + 1, o + 2, 0, 0.1, 0)
        angles.addAngle(o + 1, o, o + 2, np.radians(ANGLE), BEND * EV)
    for force in (pairs, bonds, angles):
        system.addForce(force)
    return system


def shift(edges, positions):
    """What our energy has less: that of two oxygens at the cutoff, once for each pair within it."""
    oxygens = positions[::3]
    d = oxygens[:, None] - oxygens
    r = np.linalg.norm(d - edges * np.round(d / edges), axis=-1)
    pairs = np.count_nonzero(r[np.triu_indices(len(r), 1)] < CUTOFF)
    sixth = (SIGMA / CUTOFF) ** 6
    return pairs * 4 * EPSILON * (sixth * sixth - sixth)


def main():
    edges, symbols, positions, velocities = fixture("water-648")
    integrator = openmm.VerletIntegrator(0.0005)
    platform = openmm.Platform.getPlatformByName("CPU")
    context = openmm.Context(system(edges, symbols), integrator, platform, {"Threads": "1"})
    context.setPositions(positions / 10)
    context.setVelocities(velocities / 10)
    energy = context.getState(getEnergy=True).getPotentialEnergy().value_in_unit(unit.kilojoule_per_mole) / EV
    each = (energy - shift(edges, positions)) / len(symbols)
    # Its pair forces are of single precision.
    require(abs(each - WATER_648) < 1e-5, f"water has {each} eV per atom instead of {WATER_648}")
    steps = 400

    def run():
        integrator.step(steps)
        # Waits for the steps, which may be queued; an energy would be one more evaluation.
        context.getState(getPositions=True)

    report("md/run-water-rf/n648", "openmm", f"OpenMM {openmm.__version__}", steps * len(symbols), run, samples=10)


main()
