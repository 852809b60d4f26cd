//! What the tests of this folder share.
#![expect(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

use super::random::{hex, random};

/// Looks again until the condition holds: nobody announces what becomes of foreign processes.
#[track_caller]
pub(super) fn within(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "it did not come about: {what}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}

/// A directory for one test, gone with it.
pub(super) struct Scratch(PathBuf);

pub(super) fn scratch() -> Scratch {
    let name = format!("ostler-test-{}", hex(&random::<8>().unwrap()));
    let path = std::env::temp_dir().join(name);
    fs::create_dir(&path).unwrap();
    Scratch(path)
}

impl Scratch {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Waits for a child that was killed; one that lives on is killed, and was not.
pub(super) fn has_died(child: &mut Child) -> bool {
    let deadline = Instant::now() + Duration::from_secs(5);
    while Instant::now() < deadline {
        if child.try_wait().unwrap().is_some() {
            return true;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    false
}
