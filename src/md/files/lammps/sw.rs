//! Stillinger-Weber files.

use super::Error;
use super::text::Reader;
use super::triplets::{Numbers, entries};
use crate::md::potentials::StillingerWeberCompound;
use crate::md::potentials::sw_compound::Entry;

const NAMES: [&str; 11] =
    ["epsilon", "sigma", "a", "lambda", "gamma", "costheta0", "A", "B", "p", "q", "tol"];

/// The potential of `elements`.
pub(super) fn read(
    reader: &mut Reader<'_>,
    elements: &[&str],
) -> Result<StillingerWeberCompound, Error> {
    let n = elements.len();
    let numbers = entries(reader, &NAMES, elements)?;
    let mut all = Vec::new();
    for (at, numbers) in numbers.iter().enumerate() {
        numbers.check_signs(reader, &NAMES, &[5])?;
        let entry = entry(numbers);
        // The lengths of other entries are not used.
        let is_pair = at / n % n == at % n;
        if is_pair && entry.cutoff != 0.0 {
            reader.check_cutoff(numbers.line, entry.cutoff)?;
        }
        all.push(entry);
    }
    if (0..n * n).all(|pair| all[pair * n + pair % n].cutoff == 0.0) {
        return Err(reader.unfit("no pair with a sigma a above 0", "one that interacts"));
    }
    Ok(StillingerWeberCompound::new(n, all))
}

/// With a tolerance, the cutoff is where the slower of both exponentials falls to it.
fn entry(numbers: &Numbers<11>) -> Entry {
    let [epsilon, sigma, a, lambda, gamma, cos0, bond, repulsion, p, q, tolerance] = numbers.values;
    let shorter =
        if tolerance > 0.0 { gamma.min(1.0) * sigma / tolerance.min(0.01).ln() } else { 0.0 };
    let (exponents, cutoff) = ([p, q], a * sigma + shorter);
    Entry { epsilon, sigma, a, lambda, gamma, cos0, bond, repulsion, exponents, cutoff }
}
