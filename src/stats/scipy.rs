//! Agreement with SciPy on the values of `fixtures/stats/scipy_values.json`.

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

/// Requires `got` within `1e-9` of `want`, relative down to `want = 1e-3`.
fn close(what: &str, got: f64, want: f64) {
    let bound = 1e-9 * want.abs().max(1e-3);
    assert!((got - want).abs() <= bound, "{what}: {got:e}, SciPy {want:e}");
}

#[test]
fn signed_rank_tests_agree() {
    let samples = values().samples;
    assert_eq!(samples.len(), 50, "data sets");
    for s in samples {
        close(&format!("{}, greater", s.name), wilcoxon_greater(&s.x, s.margin), s.greater);
        close(&format!("{}, less", s.name), wilcoxon_less(&s.x, s.margin), s.less);
        close(&format!("{}, both", s.name), tost(&s.x, s.margin, s.margin), s.greater.max(s.less));
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
        for (got, want) in benjamini_hochberg(&family.p).into_iter().zip(family.q) {
            assert!((got - want).abs() <= 1e-15, "{got}, SciPy {want}");
        }
    }
}

#[test]
fn exact_intervals_agree() {
    for p in values().proportions {
        let (low, high) = clopper_pearson(p.successes, p.trials, p.level);
        let what = format!("{} of {} at {}", p.successes, p.trials, p.level);
        close(&what, low, p.interval.0);
        close(&what, high, p.interval.1);
    }
}

#[test]
fn bootstrap_intervals_are_reproduced() {
    for b in values().bootstraps {
        let (low, high) = bootstrap_interval(&b.blocks, b.level, b.resamples, b.seed);
        let what = format!("seed {}", b.seed);
        close(&what, low, b.interval.0);
        close(&what, high, b.interval.1);
    }
}
