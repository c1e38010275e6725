//! Tables of metals.
//!
//! ```text
//! funcfl  a comment; Z mass lattice-constant lattice; nrho drho nr dr cutoff; F, Z(r) and f
//! setfl   three comments; n and n names; nrho drho nr dr cutoff;
//!         of each element: Z mass lattice-constant lattice; F and f;
//!         of each pair 00, 10, 11, 20, ..: z = r V(r)
//! fs      the same, but for f: of each element one at each host
//! ```
//!
//! F has nrho values, the others nr, each list on lines of its own. In funcfl z is
//! `27.2 * 0.529 Z^2`; LAMMPS leaves out the last value of each list, and so does this reader. A cutoff
//! may lie beyond the lists, which hold their last values up to there, as in LAMMPS.

use super::Error;
use super::text::Reader;
use crate::file::quote;
use crate::md::files::elements;
use crate::md::potentials::TabulatedEam;
use crate::md::potentials::tabulated::Table;

/// Hartree in eV and the Bohr radius in angstrom, as LAMMPS has them here.
const HARTREE_BOHR: f64 = 27.2 * 0.529;

/// The line of sizes.
struct Grid {
    densities: usize,
    density_step: f64,
    distances: usize,
    step: f64,
    cutoff: f64,
}

impl Grid {
    fn read(reader: &mut Reader<'_>, fewest: usize) -> Result<Self, Error> {
        let words = reader.header(&["nrho", "drho", "nr", "dr", "cutoff"])?;
        let grid = Self {
            densities: reader.count("densities", words[0], fewest)?,
            density_step: reader.positive("drho", words[1])?,
            distances: reader.count("distances", words[2], fewest)?,
            step: reader.positive("dr", words[3])?,
            cutoff: reader.number("the cutoff", words[4])?,
        };
        reader.check_cutoff(reader.line, grid.cutoff)?;
        Ok(grid)
    }

    fn embedding(&self, values: &[f64]) -> Table {
        Table::new(self.density_step, values)
    }

    fn radial(&self, values: &[f64]) -> Table {
        Table::new(self.step, values)
    }
}

/// The lists of an element.
struct Element {
    embedding: Vec<f64>,
    /// By host, or one for all.
    densities: Vec<Vec<f64>>,
}

/// The potential of the one element of a funcfl file, which `elements` are the names of.
pub(super) fn funcfl(reader: &mut Reader<'_>, names: &[&str]) -> Result<TabulatedEam, Error> {
    reader.skip(1);
    let words = reader.header(&["atomic number", "mass"])?;
    let (z, line) = (words[0], reader.line);
    reader.number("the mass", words[1])?;
    let Some(symbol) = z.parse().ok().and_then(elements::symbol) else {
        return Err(reader.error(line, quote(z), "an atomic number from 1 to 118"));
    };
    if let Some(other) = names.iter().find(|name| **name != symbol) {
        let found = format!("the tables of {symbol}, by its atomic number {z}");
        return Err(reader.error(line, found, format!("those of {other}")));
    }
    let grid = Grid::read(reader, Table::FEWEST + 1)?;
    let embedding = reader.values("energies by density, F", grid.densities)?;
    let charges = reader.values("charges by distance, Z", grid.distances)?;
    let density = reader.values("densities by distance, rho", grid.distances)?;
    reader.finish()?;
    let pair: Vec<_> = charges.iter().map(|z| HARTREE_BOHR * z * z).collect();
    let short = |values: &[f64]| values[..values.len() - 1].to_vec();
    let embedding = grid.embedding(&short(&embedding));
    let [density, pair] = [density, pair].map(|values| grid.radial(&short(&values)));
    let n = names.len();
    let pairs = vec![pair; n * (n + 1) / 2];
    Ok(TabulatedEam::new(grid.cutoff, vec![embedding; n], vec![density; n], pairs))
}

/// The potential of some elements of a setfl file, or of one in Finnis-Sinclair form.
pub(super) fn setfl(
    reader: &mut Reader<'_>,
    names: &[&str],
    by_host: bool,
) -> Result<TabulatedEam, Error> {
    reader.skip(3);
    let known = known(reader)?;
    let places = names.iter().map(|name| {
        known.iter().position(|known| known == name).ok_or_else(|| {
            let expected = format!("one of {}", quote(&known.join(" ")));
            reader.unfit(format!("no tables of {name}"), expected)
        })
    });
    let places = places.collect::<Result<Vec<_>, _>>()?;
    let grid = Grid::read(reader, Table::FEWEST)?;
    let mut elements = Vec::new();
    for name in &known {
        let words = reader.header(&["atomic number", "mass"])?;
        reader.number(&format!("the atomic number of {name}"), words[0])?;
        reader.number(&format!("the mass of {name}"), words[1])?;
        let embedding = reader.values(&format!("energies of {name} by density"), grid.densities)?;
        let hosts = if by_host { known.len() } else { 1 };
        let what = format!("densities of {name} by distance");
        let densities = (0..hosts).map(|_| reader.values(&what, grid.distances));
        elements.push(Element { embedding, densities: densities.collect::<Result<_, _>>()? });
    }
    let mut pairs = Vec::new();
    for (i, name) in known.iter().enumerate() {
        for other in &known[..=i] {
            let what = format!("pair energies of {name} and {other} by distance");
            pairs.push(reader.values(&what, grid.distances)?);
        }
    }
    reader.finish()?;
    let embedding = places.iter().map(|&i| grid.embedding(&elements[i].embedding)).collect();
    let density = |host: usize, neighbour: usize| {
        grid.radial(&elements[neighbour].densities[if by_host { host } else { 0 }])
    };
    let hosts = if by_host { &places[..] } else { &places[..1] };
    let both = |host: &usize| places.iter().map(|&i| density(*host, i)).collect::<Vec<_>>();
    let densities = hosts.iter().flat_map(both).collect();
    let mut tables = Vec::new();
    for (n, &i) in places.iter().enumerate() {
        for &j in &places[..=n] {
            let (low, high) = (i.min(j), i.max(j));
            tables.push(grid.radial(&pairs[high * (high + 1) / 2 + low]));
        }
    }
    Ok(TabulatedEam::new(grid.cutoff, embedding, densities, tables))
}

/// The names of the elements of a file.
fn known<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a str>, Error> {
    let words = reader.header(&["the number of elements", "their names"])?;
    let count = reader.count("elements", words[0], 1)?;
    let names = words[1..].to_vec();
    if names.len() != count {
        let found = format!("{} names for {count} elements", names.len());
        return Err(reader.error(reader.line, found, "as many names"));
    }
    let again = (1..count).find(|&i| names[..i].contains(&names[i]));
    if let Some(i) = again {
        let found = format!("the element {} twice", quote(names[i]));
        return Err(reader.error(reader.line, found, "each once"));
    }
    Ok(names)
}
