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
use super::record_text::Noted;
use super::sweep::Dead;
use super::worker_id::WorkerId;

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

/// Has a test run alone, in a process of its own, as what it does to its process would disturb others. Whether this is that
/// process: if not, the test has been run there, as `prepared` says.
#[track_caller]
pub(super) fn is_alone(test: &str, prepared: impl FnOnce(Command) -> Command) -> bool {
    const ALONE: &str = "OSTLER_TEST_ALONE";
    if std::env::var_os(ALONE).is_some_and(|alone| alone == test) {
        return true;
    }
    let mut command = prepared(Command::new(std::env::current_exe().unwrap()));
    let output = command.args(["--exact", test, "--nocapture"]).env(ALONE, test).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("1 passed"), "{}: {said}", output.status);
    false
}

/// A dead worker of which only the mark is known.
pub(super) fn unknown(id: WorkerId) -> Dead {
    let pid = Pid::from_raw(i32::MAX).unwrap();
    Dead::on_record(Noted { pid, start: None, id })
}
