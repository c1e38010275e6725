//! Pointwise transforms of a density, and their inverses.

/// What is done to each frame before the decomposition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Transform {
    /// Nothing.
    Raw,
    /// The logarithm of rho + eps.
    Log {
        /// Keeps empty cells in the domain.
        eps: f64,
    },
    /// The square root of rho + eps.
    Sqrt {
        /// Keeps rounded cells in the domain.
        eps: f64,
    },
    /// The mean of the frame is taken off.
    Meansub,
}

impl Transform {
    /// The offset where none is given.
    pub const EPS: f64 = 1e-8;

    /// The transform of a name of wsindy-manifold: `raw` or `none`, `log`, `sqrt`, `meansub`.
    pub fn named(name: &str, eps: f64) -> Option<Self> {
        match name {
            "raw" | "none" => Some(Self::Raw),
            "log" => Some(Self::Log { eps }),
            "sqrt" => Some(Self::Sqrt { eps }),
            "meansub" => Some(Self::Meansub),
            _ => None,
        }
    }

    /// Its name in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Log { .. } => "log",
            Self::Sqrt { .. } => "sqrt",
            Self::Meansub => "meansub",
        }
    }

    /// The offset, of the transforms that have one.
    pub const fn eps(self) -> Option<f64> {
        match self {
            Self::Log { eps } | Self::Sqrt { eps } => Some(eps),
            Self::Raw | Self::Meansub => None,
        }
    }

    /// What a density must be to have a value.
    pub(super) const fn domain(self) -> &'static str {
        match self {
            Self::Raw | Self::Meansub => "a finite number",
            Self::Log { .. } => "a finite number above -density_transform_eps, for the logarithm",
            Self::Sqrt { .. } => "a finite number from -density_transform_eps up, for the root",
        }
    }

    /// Transforms a frame. A number outside of the domain becomes NaN or infinite.
    pub fn apply(self, frame: &mut [f64]) {
        match self {
            Self::Raw => {}
            Self::Log { eps } => frame.iter_mut().for_each(|x| *x = (*x + eps).ln()),
            Self::Sqrt { eps } => frame.iter_mut().for_each(|x| *x = (*x + eps).sqrt()),
            Self::Meansub => {
                #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^53")]
                let mean = frame.iter().sum::<f64>() / frame.len() as f64;
                frame.iter_mut().for_each(|x| *x -= mean);
            }
        }
    }

    /// Makes a transformed frame a density again. A root below 0, which no density has, counts as 0.
    /// [`Transform::Meansub`] lost the mean of the frame, which becomes `level`.
    pub fn undo(self, frame: &mut [f64], level: f64) {
        match self {
            Self::Raw => {}
            Self::Meansub => frame.iter_mut().for_each(|x| *x += level),
            Self::Log { eps } => frame.iter_mut().for_each(|x| *x = x.exp() - eps),
            Self::Sqrt { eps } => frame.iter_mut().for_each(|x| *x = x.max(0.0).powi(2) - eps),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_below_zero_counts_as_zero() {
        let mut frame = [-3.0, 0.5];
        Transform::Sqrt { eps: 0.25 }.undo(&mut frame, 9.0);
        assert_eq!(frame, [-0.25, 0.0], "the square less eps");
        Transform::Meansub.undo(&mut frame, 9.0);
        assert_eq!(frame, [8.75, 9.0], "with the mean that it lost");
    }
}
