//! Families of tests: p-values adjusted for their number.

/// The p-values adjusted so that those at most `q` hold a share of false ones of at most `q`, in
/// the order given; for independent tests, or positively dependent ones.
///
/// Equals `scipy.stats.false_discovery_control(p, method="bh")`.
///
/// Source: Y. Benjamini, Y. Hochberg, "Controlling the false discovery rate: a practical and
/// powerful approach to multiple testing", Journal of the Royal Statistical Society B 57 (1995)
/// 289-300.
///
/// # Panics
///
/// If a value is outside `[0, 1]`.
pub fn benjamini_hochberg(p: &[f64]) -> Vec<f64> {
    assert!(p.iter().all(|p| (0.0..=1.0).contains(p)), "a p-value is outside [0, 1]");
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut q = vec![1.0; p.len()];
    let mut least = 1.0_f64;
    for (before, &i) in order.iter().enumerate().rev() {
        least = least.min(p[i] * (p.len() as f64 / (before + 1) as f64));
        q[i] = least;
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        // Sorted 0.01, 0.02, 0.03, 0.5 times 4/1, 4/2, 4/3, 4/4, then the least of what follows.
        let q = benjamini_hochberg(&[0.5, 0.01, 0.03, 0.02]);
        for (got, want) in q.iter().zip([0.5, 0.04, 0.04, 0.04]) {
            assert!((got - want).abs() < 1e-15, "{q:?}");
        }
        assert_eq!(benjamini_hochberg(&[0.2]), [0.2], "one test stays as it is");
        assert_eq!(benjamini_hochberg(&[]), [0.0; 0], "no test");
        assert_eq!(benjamini_hochberg(&[1.0, 1.0, 0.0]), [1.0, 1.0, 0.0], "the ends");
    }

    #[test]
    #[should_panic(expected = "outside [0, 1]")]
    fn what_is_no_probability_is_refused() {
        benjamini_hochberg(&[0.5, f64::NAN]);
    }
}
