//! Forces on particles in several boxes.

use std::path::Path;

use ndarray::{Array1, Array2};
use stepmark::rom::swarm::stepper::Forces;
use stepmark::rom::swarm::{Boundary, Config, Domain, Morse, Vector, sums};

use super::published::{Published, counts, forces};
use super::{Vectors, close, names, vectors};

/// Of the largest force.
const TOLERANCE: f64 = 1e-12;

/// The names of the cases of a file.
pub(super) fn tags(path: &Path) -> Vec<String> {
    let names = names(path);
    let tags = names.iter().filter_map(|name| name.strip_suffix("_F"));
    let whole = |tag: &&str| ["x", "par"].iter().all(|of| names.contains(&format!("{tag}_{of}")));
    tags.filter(whole).map(str::to_owned).collect()
}

pub(super) fn check(path: &Path) -> Result<(), String> {
    let mut io = Vectors::open(path)?;
    tags(path).iter().try_for_each(|tag| one(&mut io, tag).map_err(|why| format!("{tag}: {why}")))
}

fn one(io: &mut Vectors, tag: &str) -> Result<(), String> {
    let parameters: Array1<f64> = io.array(&format!("{tag}_par"))?;
    let [lx, ly, repulsion, attraction, repulsion_length, attraction_length, cutoff] =
        parameters.to_vec()[..].try_into().map_err(|_| "other than seven parameters".to_owned())?;
    let is_periodic = tag.contains("periodic");
    let boundary = if is_periodic { Boundary::Periodic } else { Boundary::Reflecting };
    let domain = Domain { size: [lx, ly], boundary };
    let morse =
        Morse { repulsion, attraction, repulsion_length, attraction_length, cutoff, mobility: 0.5 };
    let x: Array2<f64> = io.array(&format!("{tag}_x"))?;
    let x = vectors(x.outer_iter());
    let want: Array2<f64> = io.array(&format!("{tag}_F"))?;
    let want = vectors(want.outer_iter());

    let mut room = Forces::new(&domain, &morse, x.len()).map_err(|e| e.to_string())?;
    let found = room.compute(&x);
    let config = Config {
        particles: x.len(),
        domain,
        morse: Some(morse),
        radius: cutoff,
        ..Config::default()
    };
    let bound = sums::bound(&config, &x).forces;
    let plain = sums::forces(&domain, &morse, &x);
    for (i, bound) in bound.iter().enumerate() {
        close("all pairs", &found[i..=i], &plain[i..=i], [f64::INFINITY; 2], |_| bound[0])?;
    }

    let most = want.iter().flatten().fold(0.0, |m: f64, f| m.max(f.abs()));
    let judge = |found: &[Vector]| {
        close("F", found, &want, [f64::INFINITY; 2], |_| TOLERANCE * most.max(1.0))
    };
    let pairs = Published::new(&domain, cutoff, &x).pairs(&x);
    judge(&forces(&morse, &pairs, x.len()))?;
    let neighbours = counts(&pairs, x.len());
    let name = format!("{tag}_ncount");
    if io.has(&name) {
        let want: Array1<i64> = io.array(&name)?;
        if neighbours != want.to_vec() {
            return Err(format!("neighbours as published: {neighbours:?}, expected {want}"));
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "counts")]
    let exact: Vec<i64> = sums::aligned(&domain, cutoff, &x, &vec![[1.0, 0.0]; x.len()])
        .iter()
        .map(|count| count[0] as i64)
        .collect();
    let is_repeated =
        pairs.len() * 2 + x.len() != usize::try_from(exact.iter().sum::<i64>()).unwrap_or(0);
    match judge(found) {
        Err(_) if exact != neighbours || is_repeated => Ok(()),
        judged => judged,
    }
}
