//! A case that does not run on the CPU: a device that may be missing, and a case that was right there.

use std::collections::BTreeMap;
use std::time::Duration;

/// A reason why a case cannot be timed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// Its outputs are wrong. Only this says anything about a kernel.
    #[error("{0}")]
    Wrong(String),
    /// The device, or something else that the case needs, failed.
    #[error("{0}")]
    Failed(String),
}

/// A case whose outputs were right, prepared and ready to be timed, wherever it runs.
pub trait Ready {
    /// Runs `steps` steps; returns their duration on the case's own clock, which is CPU time of the
    /// thread, or that of the device.
    ///
    /// # Errors
    ///
    /// If the device fails.
    fn time(&mut self, steps: u64) -> Result<Duration, Trouble>;

    /// Overwrites the outputs, so that only another run can make them right again.
    ///
    /// # Errors
    ///
    /// If the device fails.
    fn spoil(&mut self) -> Result<(), Trouble>;

    /// Checks the outputs of the last run, timed or not.
    ///
    /// # Errors
    ///
    /// [`Trouble::Wrong`] if they are not; the device may fail.
    fn check(&self) -> Result<(), Trouble>;

    /// Returns the digest of the right outputs; `None` if `check` compares them each time.
    fn digest(&self) -> Option<u64>;
}

/// A case on a device.
pub trait OnDevice {
    /// Returns facts of the case on the device that is there; `None` if there is no device.
    ///
    /// # Errors
    ///
    /// If there is a device, or a driver, that cannot be used.
    fn facts(&self) -> Result<Option<Facts>, String>;

    /// Prepares the case and checks its outputs.
    ///
    /// # Errors
    ///
    /// If there is no device, it fails, or the outputs are wrong.
    fn ready(&self) -> Result<Box<dyn Ready>, Trouble>;
}

/// Facts of a case on the device that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The name of the device.
    pub device: String,
    /// Name of the implementation: `cuda`, or `emulated` if times mean nothing.
    pub implementation: &'static str,
    /// Units of work of a step; an emulated device does few.
    pub units: u64,
    /// True if the working set exceeds the last cache of the device.
    pub memory_bound: bool,
    /// Fields of the environment that a time on the device depends on, such as `driver`.
    pub environment: BTreeMap<String, String>,
}

/// The implementation of a device whose times mean nothing.
pub const EMULATED: &str = "emulated";

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::case::tests::right;
    use crate::case::{Case, Sampling, Work};

    /// A device that is missing, or else leaves right outputs, or wrong ones.
    struct Device {
        found: Result<bool, &'static str>,
        right: bool,
    }

    impl OnDevice for Device {
        fn facts(&self) -> Result<Option<Facts>, String> {
            let facts = |()| Facts {
                device: "a device".to_owned(),
                implementation: "cuda",
                units: 1,
                memory_bound: false,
                environment: BTreeMap::new(),
            };
            self.found.map(|found| found.then_some(()).map(facts)).map_err(str::to_owned)
        }
        fn ready(&self) -> Result<Box<dyn Ready>, Trouble> {
            if self.right { Ok(Box::new(Timed)) } else { Err(Trouble::Wrong("x[0]".to_owned())) }
        }
    }

    struct Timed;

    impl Ready for Timed {
        fn time(&mut self, steps: u64) -> Result<Duration, Trouble> {
            Ok(Duration::from_micros(steps))
        }
        fn spoil(&mut self) -> Result<(), Trouble> {
            Ok(())
        }
        fn check(&self) -> Result<(), Trouble> {
            Ok(())
        }
        fn digest(&self) -> Option<u64> {
            None
        }
    }

    /// A case on a device.
    pub(crate) fn on_device(id: &str, found: Result<bool, &'static str>, right: bool) -> Case {
        let work = Work { units: 1, unit: "step", flops: 0, bytes: 0, resident_bytes: 0 };
        Case::on_device(id, "cuda", work, Device { found, right })
    }

    #[test]
    fn a_case_whose_device_is_missing_is_not_wrong_and_did_not_run() {
        let check = |found, right| on_device("test/launch/n1", found, right).check();
        assert_eq!(check(Ok(true), true), Ok(true), "right");
        assert_eq!(check(Ok(true), false), Err(Trouble::Wrong("x[0]".to_owned())), "wrong");
        assert_eq!(check(Ok(false), false), Ok(false), "missing");
        assert_eq!(check(Err("no"), true), Err(Trouble::Failed("no".to_owned())), "unusable");
        assert_eq!(right("test/seven/n1").check(), Ok(true), "on the CPU");
        let case = on_device("test/launch/n1", Ok(true), true);
        let err = case.checked().err().expect("it has no step");
        assert!(err.contains("runs on a device"), "{err}");
    }

    #[test]
    fn instructions_are_counted_on_the_cpu_unless_only_the_time_is_taken() {
        let counted = right("test/seven/n1").is_counted();
        let timed = right("test/seven/n1").timed_only().is_counted();
        let device = on_device("test/launch/n1", Ok(true), true);
        assert_eq!((counted, timed, device.is_counted()), (true, false, false), "counted");
        assert_eq!(device.sampling(), Sampling::DEVICE, "sampling");
    }
}
