//! The cases of this chapter: swarms, their densities, and the modes of these.

use crate::case::Case;
use crate::machine::isa::Isa;

mod density;
mod pod;
mod swarm;

/// The cases that gate.
pub fn cases() -> Vec<Case> {
    vec![
        swarm::steps(200, None),
        swarm::forces(200, None),
        density::frame(64, 2, None),
        pod::frames(pod::Way::Project, 19, 64, None),
        pod::frames(pod::Way::Lift, 19, 64, None),
    ]
}

/// Other numbers of particles, grids and bandwidths, and AVX2 and plain code by themselves.
pub fn scaling() -> Vec<Case> {
    let mut cases = vec![
        swarm::steps(50, None),
        swarm::steps(1000, None),
        swarm::forces(1000, None),
        density::frame(32, 2, None),
        density::frame(128, 2, None),
        density::frame(64, 5, None),
        pod::frames(pod::Way::Project, 8, 64, None),
        pod::frames(pod::Way::Project, 40, 64, None),
        pod::frames(pod::Way::Project, 19, 32, None),
        pod::frames(pod::Way::Project, 19, 128, None),
        pod::frames(pod::Way::Lift, 40, 64, None),
        pod::frames(pod::Way::Lift, 19, 128, None),
        pod::decomposition(19, 1336, 64),
        pod::alignment(64),
    ];
    for isa in [Isa::Scalar, Isa::Avx2].into_iter().filter(|isa| isa.is_available()) {
        let twin = Some(isa);
        cases.extend([
            swarm::steps(200, twin),
            swarm::forces(200, twin),
            density::frame(64, 2, twin),
            pod::frames(pod::Way::Project, 19, 64, twin),
            pod::frames(pod::Way::Lift, 19, 64, twin),
        ]);
    }
    cases
}

/// What an id of a single instruction set says.
fn single(isa: Option<Isa>) -> String {
    isa.map(|isa| format!("-{}", isa.name())).unwrap_or_default()
}
