//! What the tests of this folder share.
#![expect(clippy::unwrap_used)]

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use rustix::thread::{CpuSet, sched_getcpu, sched_setaffinity};

use super::group::Leader;
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

/// A process that leads its group, has as many bytes as a shell's variable, and lives until it is killed.
pub(super) fn holder(bytes: u64) -> Child {
    let script = format!("x=$(head -c {bytes} /dev/zero | tr '\\0' x); while :; do read y; done");
    let mut command = Command::new("sh");
    command.args(["-c", &script]).stdin(Stdio::piped()).process_group(0);
    command.spawn().unwrap()
}

/// Runs it on a thread that stays on one core, which it is told.
pub(super) fn on_one_core<T: Send>(work: impl FnOnce(usize) -> T + Send) -> T {
    let pinned = || {
        let (core, mut only) = (sched_getcpu(), CpuSet::new());
        only.set(core);
        sched_setaffinity(None, &only).unwrap();
        work(core)
    };
    std::thread::scope(|scope| scope.spawn(pinned).join().unwrap())
}

/// A child of this process that leads a group.
pub(super) fn leader(pid: Pid) -> Leader {
    Leader::new(pid, pidfd_open(pid, PidfdFlags::empty()).unwrap())
}
