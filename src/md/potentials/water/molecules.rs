//! What is different within a molecule: bonds and angles, and charges that count less.

use super::{Molecule, Water, along};
use crate::md::COULOMB;
use crate::md::potentials::Forces;
use crate::md::system::{Atoms, add_scaled, dot, norm};

/// Adds energy, forces and virial of all bonds and angles.
///
/// An angle between d and e has cos = d.e/(|d| |e|), whose derivative by d is
/// (e/|e| - cos d/|d|)/|d|, and d(theta)/d(cos) = -1/sin.
pub(super) fn add(molecule: &Molecule, atoms: Atoms<'_>, out: &mut Forces) {
    let Atoms { cell, positions, topology, .. } = atoms;
    for [i, j] in topology.bonds.iter().map(|bond| bond.map(|i| i as usize)) {
        let d = cell.nearest(positions[i], positions[j]);
        let r = norm(d);
        let stretch = r - molecule.length;
        out.energy += 0.5 * molecule.bond * stretch * stretch;
        out.pull(i, j, d, along(d, r, molecule.bond * stretch));
    }
    for [i, corner, k] in topology.angles.iter().map(|angle| angle.map(|i| i as usize)) {
        let d = [i, k].map(|i| cell.nearest(positions[corner], positions[i]));
        let r = d.map(norm);
        let cos = dot(d[0], d[1]) / (r[0] * r[1]);
        let bend = cos.clamp(-1.0, 1.0).acos() - molecule.angle;
        out.energy += 0.5 * molecule.bend * bend * bend;
        let by_cos = -molecule.bend * bend / (1.0 - cos * cos).sqrt();
        for (own, other, atom) in [(0, 1, i), (1, 0, k)] {
            let mut f = d[own].map(|c| by_cos * cos * c / (r[own] * r[own]));
            add_scaled(&mut f, -by_cos / (r[0] * r[1]), d[other]);
            out.pull(corner, atom, d[own], f);
        }
    }
}

/// Takes off by how much less the pairs of one molecule count, if they are within the cutoff.
pub(super) fn take_off(water: &Water, atoms: &Atoms<'_>, out: &mut Forces) {
    for ([i, j], d) in atoms.excluded() {
        let r = norm(d);
        if r < water.cutoff {
            let q = COULOMB * atoms.charges[i] * atoms.charges[j];
            let [less, slope] = water.coulomb.correction(r);
            out.energy -= q * less;
            out.pull(i, j, d, along(d, r, -q * slope));
        }
    }
}
