//! Agreement with `SciPy` on the values of `fixtures/stats/scipy_values.json`.

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Values {
    samples: Vec<Sample>,
    families: Vec<Family>,
    proportions: Vec<Proportion>,
    bootstraps: Vec<Bootstrap>,
}

#[derive(Deserialize)]
struct Sample {
    name: String,
    margin: f64,
    greater: f64,
    less: f64,
    center: f64,
    x: Vec<f64>,
}

#[derive(Deserialize)]
struct Family {
    p: Vec<f64>,
    q: Vec<f64>,
}

#[derive(Deserialize)]
struct Proportion {
    successes: u64,
    trials: u64,
    level: f64,
    interval: (f64, f64),
}

#[derive(Deserialize)]
struct Bootstrap {
    level: f64,
    resamples: usize,
    seed: u64,
    interval: (f64, f64),
    blocks: Vec<Vec<f64>>,
}

fn values() -> Values {
    let text = include_str!("../../fixtures/stats/scipy_values.json");
    serde_json::from_str(text).unwrap()
}

/// Requires `got` within `share` of `want`, and of 1e-3 where that is more.
fn close(what: &str, got: f64, want: f64, share: f64) {
    let bound = share * want.abs().max(1e-3);
    assert!((got - want).abs() <= bound, "{what}: {got:e}, SciPy {want:e}");
}

#[test]
fn signed_rank_tests_agree() {
    let samples = values().samples;
    assert_eq!(samples.len(), 50, "data sets");
    for s in samples {
        let (x, margin) = (&s.x, s.margin);
        close(&format!("{}, greater", s.name), wilcoxon_greater(x, margin), s.greater, 1e-12);
        close(&format!("{}, less", s.name), wilcoxon_less(x, margin), s.less, 1e-12);
    }
}

#[test]
fn estimates_are_the_median_of_the_definition() {
    for s in values().samples {
        assert_eq!(hodges_lehmann(&s.x), s.center, "{}", s.name);
    }
}

#[test]
fn adjusted_p_values_agree() {
    for family in values().families {
        let q = benjamini_hochberg(&family.p);
        assert_eq!(q.len(), family.q.len(), "tests");
        for (got, want) in q.into_iter().zip(family.q) {
            close("q", got, want, 1e-15);
        }
    }
}

#[test]
fn exact_intervals_agree() {
    for p in values().proportions {
        let (low, high) = clopper_pearson(p.successes, p.trials, p.level);
        let what = format!("{} of {} at {}", p.successes, p.trials, p.level);
        close(&what, low, p.interval.0, 1e-9);
        close(&what, high, p.interval.1, 1e-9);
    }
}

#[test]
fn bootstrap_intervals_are_reproduced() {
    for b in values().bootstraps {
        let (low, high) = bootstrap_interval(&b.blocks, b.level, b.resamples, b.seed);
        let what = format!("seed {}", b.seed);
        close(&what, low, b.interval.0, 1e-12);
        close(&what, high, b.interval.1, 1e-12);
    }
}
