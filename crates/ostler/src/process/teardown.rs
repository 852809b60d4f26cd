//! Where the memory of a worker that is to be killed is given back.
//!
//! The last thread of a process that ends does that, in the kernel, about 70 µs for each MiB. A thread that slept
//! is woken for its end, often on the core of whoever kills; and whoever is woken there meanwhile, as a spare worker is by
//! the job that the kill made room for, waits until the kernel looks after its cores again, 4 ms at HZ=250, though
//! another core has nothing to do. Kept away from this core, the end of a worker that holds 512 MiB delays the next
//! job by 0.2 ms instead of 2 ms at the median (`BENCHMARKS.md`, W4c).

use std::fs;

use rustix::process::Pid;
use rustix::thread::{sched_getaffinity, sched_getcpu, sched_setaffinity};

use super::{memory, procfs};

/// Bytes. What holds less is gone in a millisecond at most, and is not worth the calls.
const LARGE: u64 = 16 << 20;

/// A process may have thousands of threads, and each takes a system call before the kill.
const MOST_THREADS: usize = 64;

/// Keeps the end of a large process away from the core on which this is called, if it may run on another. To be called
/// before it is killed. Nothing here waits, and nothing must succeed.
pub(super) fn keep_away(pid: Pid) {
    if memory::held_by(pid).is_some_and(|bytes| bytes >= LARGE) {
        move_threads(pid);
    }
}

fn move_threads(pid: Pid) {
    let Ok(mut others) = sched_getaffinity(Some(pid)) else { return };
    others.unset(sched_getcpu());
    let Ok(threads) = fs::read_dir(procfs::directory(pid).join("task")) else { return };
    let ids = threads.flatten().filter_map(|thread| procfs::number(&thread.file_name()));
    for id in ids.take(MOST_THREADS) {
        // It fails for a thread that has ended, and if there is no other core.
        let _ = sched_setaffinity(Some(id), &others);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::os::unix::process::CommandExt;
    use std::process::Command;

    use rustix::thread::CpuSet;

    use super::super::test_support::within;
    use super::*;

    fn cores(pid: Pid) -> u32 {
        sched_getaffinity(Some(pid)).unwrap().count()
    }

    /// It has as many bytes as a shell's variable, and lives until it is killed.
    fn holder(bytes: u64) -> std::process::Child {
        let script = format!("x=$(head -c {bytes} /dev/zero | tr '\\0' x); while :; do read y; done");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).stdin(std::process::Stdio::piped()).process_group(0);
        command.spawn().unwrap()
    }

    #[test]
    fn a_large_process_may_end_on_every_core_but_this_one() {
        let mut child = holder(2 * LARGE);
        let pid = Pid::from_child(&child);
        within("it is large", || memory::held_by(pid).is_some_and(|bytes| bytes >= LARGE));
        let before = cores(pid);
        keep_away(pid);
        let after: CpuSet = sched_getaffinity(Some(pid)).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        // On a machine with one core there is no other.
        assert_eq!(after.count(), if before == 1 { 1 } else { before - 1 });
    }

    #[test]
    fn a_small_process_ends_where_it_likes() {
        let mut child = holder(1);
        let pid = Pid::from_child(&child);
        let before = cores(pid);
        keep_away(pid);
        let after = cores(pid);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(after, before);
    }

    #[test]
    fn who_is_gone_is_left_alone() {
        let mut child = holder(1);
        let pid = Pid::from_child(&child);
        child.kill().unwrap();
        child.wait().unwrap();
        keep_away(pid);
        assert_eq!(memory::held_by(pid), None);
    }
}
