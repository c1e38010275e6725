//! One run at a time in one target folder: two would disturb each other's times.

use std::fs;
use std::fs::{File, TryLockError};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::process;

/// Why a run may not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another run is under way.
    #[error("another paired run is under way in this checkout (pid {pid}); wait until it ends")]
    Held {
        /// Its process, as it says.
        pid: String,
    },
    /// The lock cannot be made.
    #[error("{}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Error of the system.
        source: io::Error,
    },
}

/// Held while a run is under way; the system gives it back when the process ends, however that is.
#[derive(Debug)]
pub struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing alone would leave it to a process that another thread is just starting.
        let _ = self.0.unlock();
    }
}

impl Lock {
    /// Takes the lock of a target folder.
    ///
    /// # Errors
    ///
    /// If another process has it, or the folder cannot be written.
    pub fn take(target: &Path) -> Result<Self, Error> {
        let folder = target.join("stepmark");
        let path = folder.join("duet.lock");
        let failed = |source| Error::Io { path: path.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                let mut write = || {
                    file.set_len(0)?;
                    file.rewind()?;
                    write!(file, "{}", process::id())
                };
                write().map_err(failed)?;
                Ok(Self(file))
            }
            Err(TryLockError::WouldBlock) => {
                // Some systems do not let others read a locked file.
                let pid = fs::read_to_string(&path).ok().filter(|pid| !pid.is_empty());
                Err(Error::Held { pid: pid.unwrap_or_else(|| "unknown".to_owned()) })
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }

    /// Takes the lock of a file if nobody has it.
    pub(super) fn free(path: &Path) -> Option<Self> {
        let file = File::options().write(true).create(true).truncate(false).open(path).ok()?;
        file.try_lock().is_ok().then_some(Self(file))
    }

    /// Takes the lock of a file once nobody else has it; `watch` is told of a wait.
    ///
    /// Children inherit it: should this process be killed, theirs is the folder until they end.
    ///
    /// # Errors
    ///
    /// If the file cannot be made or locked.
    pub(super) fn wait(path: &Path, watch: &mut dyn FnMut(&str)) -> io::Result<Self> {
        let file =
            File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => {
                watch("waits for another build of this checkout");
                file.lock()?;
            }
            Err(TryLockError::Error(why)) => return Err(why),
            Ok(()) => {}
        }
        #[cfg(unix)]
        rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty())?;
        Ok(Self(file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_told_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::take(dir.path()).unwrap();
        let err = Lock::take(dir.path()).unwrap_err().to_string();
        assert!(err.contains(&format!("(pid {})", process::id())), "{err}");
        // As a process has it that another thread is just starting.
        let _inherited = first.0.try_clone().unwrap();
        drop(first);
        Lock::take(dir.path()).unwrap();
        let file = dir.path().join("stepmark/duet.lock");
        let err = Lock::take(&file).unwrap_err().to_string();
        assert!(err.contains("duet.lock"), "a file is no folder: {err}");
    }
}
