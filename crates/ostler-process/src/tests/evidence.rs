use std::fs;
use std::path::{Path, PathBuf};

use ostler_lifecycle::ExitStatus;

use super::super::kernel_log::KernelLog;
use super::super::oom::Certainty;
use super::{shell, start};

const KILLED: ExitStatus = ExitStatus::Signal { number: libc::SIGKILL, core_dumped: false };

/// A control group that allows 16 MiB, if we may make one.
struct SmallGroup(PathBuf);

impl SmallGroup {
    fn make() -> Option<Self> {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        let version_1 = groups.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            controllers.split(',').any(|controller| controller == "memory").then(|| path.to_owned())
        });
        let version_2 = groups.lines().find_map(|line| line.strip_prefix("0::").map(str::to_owned));
        let places = [
            version_1.map(|path| format!("/sys/fs/cgroup/memory{path}")),
            version_2.map(|path| format!("/sys/fs/cgroup{path}")),
        ];
        places.into_iter().flatten().find_map(|parent| Self::make_in(Path::new(&parent)))
    }

    fn make_in(parent: &Path) -> Option<Self> {
        let path = parent.join(format!("ostler-test-{}", std::process::id()));
        fs::create_dir(&path).ok()?;
        let group = Self(path);
        let limits = ["memory.limit_in_bytes", "memory.max"];
        let is_small = limits.iter().any(|limit| fs::write(group.0.join(limit), "16777216").is_ok());
        for swap in ["memory.memsw.limit_in_bytes", "memory.swap.max"] {
            let _ = fs::write(group.0.join(swap), if swap.ends_with("max") { "0" } else { "16777216" });
        }
        is_small.then_some(group)
    }
}

impl Drop for SmallGroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

/// Without the rights for that, at least nobody is blamed for what the kernel did not do.
#[tokio::test]
async fn a_kill_for_memory_is_told_with_evidence() {
    let Some(group) = SmallGroup::make() else {
        let exit = start(shell("kill -9 $$")).await.spawned.exit.await.unwrap();
        assert_eq!((exit.status, exit.oom), (KILLED, None));
        return;
    };
    let script = format!("echo $$ > {}/cgroup.procs && exec tail /dev/zero", group.0.display());
    let child = start(shell(&script)).await;
    let pid = child.spawned.pid;
    let exit = child.spawned.exit.await.unwrap();
    assert_eq!((exit.status, exit.killed_at), (KILLED, None));
    let oom = exit.oom.unwrap();
    if KernelLog::open().is_some() {
        assert_eq!(oom.certainty, Certainty::Certain);
        let expected = format!("Memory cgroup out of memory: Killed process {pid} (tail)");
        assert!(oom.text.starts_with(&expected), "{}", oom.text);
    } else {
        assert_eq!(oom.certainty, Certainty::Probable);
        assert!(oom.text.contains("while the worker lived"), "{}", oom.text);
    }
}

#[tokio::test]
async fn a_kill_by_somebody_else_is_none_for_memory() {
    let exit = start(shell("kill -9 $$")).await.spawned.exit.await.unwrap();
    assert_eq!((exit.status, exit.killed_at), (KILLED, None));
    if KernelLog::open().is_some() {
        assert_eq!(exit.oom, None);
    }
}
