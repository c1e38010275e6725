//! Runs of states (rows, d) that a model may be fitted to.

/// Why runs are unfit.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// There is no run.
    #[error("found no run, expected at least one")]
    NoRuns,
    /// A run has another number of components than the first.
    #[error("run {run}: found {found} components, expected {expected}, as in run 0")]
    Components {
        /// The run, from 0.
        run: usize,
        /// Its components.
        found: usize,
        /// Those of the first run.
        expected: usize,
    },
    /// A run is too short for one window and the state after it.
    #[error(
        "run {run}: found {rows} states, expected more than the lag {lag}; choose a shorter lag"
    )]
    Short {
        /// The run, from 0.
        run: usize,
        /// Its states.
        rows: usize,
        /// The lag asked for.
        lag: usize,
    },
    /// A state holds NaN or infinity.
    #[error("run {run}, state {row}, component {column}: found {value}, expected finite numbers")]
    NotFinite {
        /// The run, from 0.
        run: usize,
        /// The state, from 0.
        row: usize,
        /// The component, from 0.
        column: usize,
        /// The number.
        value: f64,
    },
}

/// Requires runs of these shapes to have `d` components and more states than the lag.
///
/// # Errors
///
/// Names the first that is another.
pub fn check_shapes(
    shapes: impl IntoIterator<Item = (usize, usize)>,
    lag: usize,
    d: usize,
) -> Result<(), Unfit> {
    for (run, (rows, found)) in shapes.into_iter().enumerate() {
        if found != d {
            return Err(Unfit::Components { run, found, expected: d });
        }
        if rows <= lag {
            return Err(Unfit::Short { run, rows, lag });
        }
    }
    Ok(())
}

/// Requires the states of a run of `d` components to be finite; they come row by row.
///
/// # Errors
///
/// Names the first number that is not.
pub fn check_finite<'a>(
    run: usize,
    states: impl IntoIterator<Item = &'a f64>,
    d: usize,
) -> Result<(), Unfit> {
    match states.into_iter().enumerate().find(|(_, value)| !value.is_finite()) {
        Some((at, &value)) => Err(Unfit::NotFinite { run, row: at / d, column: at % d, value }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_flaw_is_named() {
        assert_eq!(check_shapes([(9, 2), (8, 2)], 7, 2), Ok(()), "longer than the lag");
        let short = Unfit::Short { run: 1, rows: 7, lag: 7 };
        assert_eq!(check_shapes([(9, 2), (7, 2), (1, 3)], 7, 2), Err(short), "as long as the lag");
        let other = Unfit::Components { run: 0, found: 3, expected: 2 };
        assert_eq!(check_shapes([(9, 3)], 7, 2), Err(other), "components");
        assert_eq!(check_finite(4, &[1.0, 2.0, f64::MAX, -0.0], 2), Ok(()), "finite");
        let value = f64::INFINITY;
        let not = Unfit::NotFinite { run: 4, row: 1, column: 2, value };
        assert_eq!(check_finite(4, &[1.0, 2.0, 3.0, 4.0, 5.0, value], 3), Err(not), "infinite");
    }
}
