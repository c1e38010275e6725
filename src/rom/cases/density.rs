//! The cases of densities: frames of 200 particles.

use super::single;
use crate::case::{Case, Step, Work};
use crate::close::{digest, within};
use crate::machine::isa::Isa;
use crate::rom::density::Density;
use crate::rom::swarm::random::Generator;
use crate::rom::swarm::{Boundary, Domain, Start, Vector};

const PARTICLES: usize = 200;

/// A frame on a square grid of `side` cells a side, with a bandwidth in cells.
///
/// A particle adds a row, and each number of the result is a sum of 8 b + 1. It keeps at hand the rows,
/// the result, and the matrices of both axes.
pub(super) fn frame(side: usize, bandwidth: u32, isa: Option<Isa>) -> Case {
    let (cells, terms) = (side * side, 8 * bandwidth as usize + 1);
    let flops = PARTICLES * side + cells * (2 * terms + 1);
    let bytes = 8 * (2 * PARTICLES + cells);
    let resident = 8 * (2 * PARTICLES + 3 * cells + 2 * side * terms);
    let [units, flops, bytes, resident_bytes] = [cells, flops, bytes, resident].map(|n| n as u64);
    let work = Work { units, unit: "cell", flops, bytes, resident_bytes };
    let id = format!("rom/density{}-b{bandwidth}/n{cells}", single(isa));
    let isa = isa.unwrap_or_else(Isa::best);
    Case::new(id, isa.vectorised_name(), work, move || {
        let domain = Domain::square(25.0, Boundary::Periodic);
        let density = Density::new(&domain, [side, side], f64::from(bandwidth));
        let density = density.expect("parameters in their ranges").on(isa);
        let x = Start::Uniform.draw(&domain, PARTICLES, &mut Generator::new(1));
        Frame { density, x, frame: vec![0.0; cells] }
    })
}

struct Frame {
    density: Density,
    x: Vec<Vector>,
    frame: Vec<f64>,
}

impl Step for Frame {
    fn run(&mut self) {
        self.density.frame(&self.x, &mut self.frame);
    }

    fn spoil(&mut self) {
        self.frame.fill(f64::NAN);
    }

    fn digest(&self) -> u64 {
        digest(self.frame.iter().copied())
    }

    fn check(&self) -> Result<(), String> {
        let want = self.density.reference(&self.x);
        let error = self.density.relative_error(self.x.len());
        let bound: Vec<f64> = want.iter().map(|rho| error * rho).collect();
        within("rho", &self.frame, &want, &bound)
    }
}
