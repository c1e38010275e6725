//! Instruction sets that kernels are written for, best last.
//!
//! A kernel with several paths takes the path as a value, so that every path can be measured and
//! tested on one machine. Valgrind has no AVX-512: what it counts is the AVX2 path.

/// An instruction set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Isa {
    /// What every processor of the target has; the plain definition of a kernel.
    Scalar,
    /// AVX2, FMA and POPCNT.
    Avx2,
    /// AVX-512 F, BW, DQ and VL.
    Avx512,
}

impl Isa {
    /// Every instruction set, best last.
    pub const ALL: [Self; 3] = [Self::Scalar, Self::Avx2, Self::Avx512];

    /// The best instruction set of this processor.
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Self::Scalar)
    }

    /// Those of this processor, best last.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|isa| isa.is_available())
    }

    /// Whether this processor has it.
    pub fn is_available(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                is_x86_feature_detected!("avx2")
                    && is_x86_feature_detected!("fma")
                    && is_x86_feature_detected!("popcnt")
            }
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && is_x86_feature_detected!("avx512f")
                    && is_x86_feature_detected!("avx512bw")
                    && is_x86_feature_detected!("avx512dq")
                    && is_x86_feature_detected!("avx512vl")
            }
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512 => false,
        }
    }

    /// Its name in records: `scalar`, `avx2` or `avx512`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    /// Its name in records of a kernel whose plain code is arranged for the compiler to vectorise:
    /// `portable`, `avx2` or `avx512`.
    pub const fn vectorised_name(self) -> &'static str {
        match self {
            Self::Scalar => "portable",
            isa => isa.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_is_the_last_that_is_available() {
        assert_eq!(Isa::available().next(), Some(Isa::Scalar), "scalar is everywhere");
        assert_eq!(Isa::available().last(), Some(Isa::best()), "best");
        assert!(Isa::available().is_sorted(), "best last");
    }
}
