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
        move_away(pid, threads(pid));
    }
}

/// Leaves the core on which this is called to others than these threads of a process.
fn move_away(pid: Pid, threads: impl Iterator<Item = Pid>) {
    let Ok(mut others) = sched_getaffinity(Some(pid)) else { return };
    others.unset(sched_getcpu());
    for thread in threads.take(MOST_THREADS) {
        // It fails for a thread that has ended, and if there is no other core.
        let _ = sched_setaffinity(Some(thread), &others);
    }
}

fn threads(pid: Pid) -> impl Iterator<Item = Pid> {
    let directory = fs::read_dir(procfs::directory(pid).join("task"));
    directory.into_iter().flatten().flatten().filter_map(|thread| procfs::number(&thread.file_name()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use std::process::{Child, Command};

    use rustix::process::getpid;
    use rustix::thread::{CpuSet, gettid};

    use super::super::test_support::{holder, on_one_core, within};
    use super::*;

    #[test]
    fn a_large_process_may_end_on_every_core_but_this_one() {
        let mut child = holder(2 * LARGE);
        let pid = Pid::from_child(&child);
        within("it is large", || memory::held_by(pid).is_some_and(|bytes| bytes >= LARGE));
        let before = sched_getaffinity(Some(pid)).unwrap();
        let this = on_one_core(|core| {
            keep_away(pid);
            core
        });
        let after = sched_getaffinity(Some(pid)).unwrap();
        end(&mut child);
        assert_eq!(after, without(before, this));
    }

    #[test]
    fn a_small_process_ends_where_it_likes() {
        let mut child = holder(1);
        let pid = Pid::from_child(&child);
        let before = sched_getaffinity(Some(pid)).unwrap();
        keep_away(pid);
        let after = sched_getaffinity(Some(pid)).unwrap();
        end(&mut child);
        assert_eq!(after, before);
    }

    #[test]
    fn all_threads_go_but_not_thousands_of_them() {
        // Each stands for a thread: to the scheduler they are the same.
        let mut sleepers: Vec<Child> =
            (0..MOST_THREADS + 2).map(|_| Command::new("sleep").arg("1000").spawn().unwrap()).collect();
        let pids: Vec<Pid> = sleepers.iter().map(Pid::from_child).collect();
        let before = sched_getaffinity(Some(pids[0])).unwrap();
        let this = on_one_core(|core| {
            move_away(pids[0], pids.iter().copied());
            core
        });
        let after: Vec<CpuSet> = pids.iter().map(|pid| sched_getaffinity(Some(*pid)).unwrap()).collect();
        sleepers.iter_mut().for_each(end);
        let (moved, left) = after.split_at(MOST_THREADS);
        assert!(moved.iter().all(|cores| *cores == without(before, this)), "{moved:?}");
        assert_eq!(left, [before, before]);
    }

    #[test]
    fn the_threads_of_a_process_are_found() {
        let other = std::thread::spawn(|| (gettid(), threads(getpid()).collect::<Vec<_>>()));
        let (other, found) = other.join().unwrap();
        assert!(found.contains(&other) && found.contains(&gettid()), "{found:?}");
    }

    #[test]
    fn who_is_gone_is_left_alone() {
        let mut child = holder(1);
        let pid = Pid::from_child(&child);
        end(&mut child);
        keep_away(pid);
        assert_eq!(memory::held_by(pid), None);
    }

    fn end(child: &mut Child) {
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// On a machine with one core there is no other.
    fn without(mut cores: CpuSet, core: usize) -> CpuSet {
        if cores.count() > 1 {
            cores.unset(core);
        }
        cores
    }
}
