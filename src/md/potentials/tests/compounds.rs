//! Boxes of several species for the properties of every potential.

use super::{Any, boxes};
use crate::md::potentials::{
    FinnisSinclair, SuttonChen, TabulatedEam, eam::Law, sw_compound, tabulated::Table, tersoff,
};
use crate::md::system::System;

/// The crystal with every `every`-th atom of a second species, moved at random.
fn mixed(crystal: System, every: usize, seed: u64, sigma: f64) -> System {
    let symbols: Vec<_> =
        (0..crystal.len()).map(|i| if i % every == every - 1 { "B" } else { "A" }).collect();
    let mut mixed = System::new(crystal.cell, &symbols, crystal.masses, crystal.positions);
    boxes::rattle(&mut mixed, seed, sigma);
    mixed
}

/// Tables of aluminium and iron as two metals; densities by neighbour, or by host and neighbour.
fn metals(by_host: bool) -> TabulatedEam {
    const CUTOFF: f64 = 5.0;
    let (al, fe) =
        (SuttonChen { on: 4.0, cutoff: CUTOFF, ..SuttonChen::ALUMINIUM }, FinnisSinclair::IRON);
    let table = |end: f64, f: &dyn Fn(f64) -> f64| {
        let step = end / 999.0;
        Table::new(step, &(0..1000).map(|m| f(step * f64::from(m))).collect::<Vec<_>>())
    };
    // Smooth where nobody comes, and zero beyond the end of iron.
    let of = |r: f64, n: usize| {
        let iron = if r < fe.d { fe.at(r)[n].value } else { 0.0 };
        [al.at(r.max(1.5))[n].value, iron]
    };
    let density = |s: usize, weight: f64| {
        table(CUTOFF, &move |r| {
            let [al, fe] = of(r, 1);
            weight * if s == 0 { al } else { fe }
        })
    };
    let pair = |weights: [f64; 2]| {
        table(CUTOFF, &move |r| {
            let [al, fe] = of(r, 0);
            r * (weights[0] * al + weights[1] * fe)
        })
    };
    // Without the infinite slope of a root at zero.
    let embedding =
        |strength: f64| table(300.0, &move |rho| -strength * ((rho + 0.5).sqrt() - 0.5_f64.sqrt()));
    let densities = if by_host {
        vec![density(0, 1.0), density(1, 0.7), density(0, 0.3), density(1, 1.0)]
    } else {
        vec![density(0, 1.0), density(1, 1.0)]
    };
    let pairs = vec![pair([1.0, 0.0]), pair([0.5, 0.4]), pair([0.0, 1.0])];
    TabulatedEam::new(CUTOFF, vec![embedding(0.54), embedding(1.83)], densities, pairs)
}

pub(super) fn worlds() -> Vec<(&'static str, Box<dyn Any>, System)> {
    let carbide = || Box::new(tersoff::tests::silicon_carbide());
    let compound = || Box::new(sw_compound::tests::made_up());
    let silicon = boxes::silicon_crystal;
    vec![
        ("carbide 1 cell", carbide(), mixed(silicon(1, 4.4), 2, 20, 0.05)),
        ("carbide 2 cells", carbide(), mixed(silicon(2, 4.4), 2, 21, 0.1)),
        ("carbide dense", carbide(), mixed(silicon(2, 4.0), 3, 22, 0.1)),
        (
            "Tersoff of 1988",
            Box::new(tersoff::tests::silicon_of_1988()),
            mixed(silicon(2, 5.3), usize::MAX, 23, 0.15),
        ),
        ("compound 1 cell", compound(), mixed(silicon(1, 5.2), 2, 24, 0.1)),
        ("compound 2 cells", compound(), mixed(silicon(2, 5.2), 3, 25, 0.2)),
        (
            "alloy 1 cell",
            Box::new(metals(false)),
            mixed(boxes::aluminium_crystal(1, 3.8), 2, 26, 0.1),
        ),
        (
            "alloy 3 cells",
            Box::new(metals(false)),
            mixed(boxes::aluminium_crystal(3, 3.7), 3, 27, 0.1),
        ),
        ("alloy by host", Box::new(metals(true)), mixed(boxes::iron_crystal(3, 2.9), 2, 28, 0.1)),
    ]
}
