//! A host that is left with the children of others.

use std::process::Command;

use ostler_lifecycle::ExitStatus;
use rustix::process::{Pid, getpid, set_child_subreaper};

use super::super::WorkerProcess;
use super::super::procfs::{self, Stat};
use super::super::test_support::{is_alone, within};
use super::super::{reap_orphans, sweep::Swept};
use super::{shell, start};

fn zombies() -> Vec<Pid> {
    let children = procfs::children().unwrap().into_iter();
    children.filter(|pid| Stat::of(*pid).unwrap().is_some_and(|stat| !stat.runs())).collect()
}

/// Runs it in a process that gets the orphans of all that comes of it.
fn as_subreaper(test: &str, work: impl Future<Output = ()>) {
    if !is_alone(&format!("tests::orphans::{test}"), |command| command) {
        return;
    }
    set_child_subreaper(Some(getpid())).unwrap();
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

#[test]
fn no_zombie_stays_of_what_a_worker_leaves_at_its_end() {
    as_subreaper("no_zombie_stays_of_what_a_worker_leaves_at_its_end", async {
        let mut own = Command::new("false").spawn().unwrap();
        within("it has ended", || zombies() == [Pid::from_child(&own)]);
        for _ in 0..3 {
            // Two in its group, and one out of it with a child.
            let script =
                "sleep 1000 & sleep 1000 & setsid sh -c 'sleep 1000 & exec sleep 1000' & exec sleep 1000";
            let child = start(shell(script)).await;
            within("all run", || super::carrying(&child.mark).len() == 5);
            let (exit, swept) = child.killed().await;
            assert_eq!(exit.status, ExitStatus::Signal { number: libc::SIGKILL, core_dumped: false });
            assert_eq!(swept, Swept { killed: 2, ..Swept::default() }, "a zombie is nobody to be killed");
            assert_eq!(zombies(), [Pid::from_child(&own)]);
        }
        assert_eq!(own.wait().unwrap().code(), Some(1), "the host's own child is its own to reap");
    });
}

#[test]
fn orphans_of_a_worker_that_lives_are_reaped_when_asked_for() {
    as_subreaper("orphans_of_a_worker_that_lives_are_reaped_when_asked_for", async {
        let mut own = Command::new("false").spawn().unwrap();
        let child = start(shell("(sh -c 'exit 3' &); (sh -c 'exit 4' &); exec sleep 1000")).await;
        within("three have ended", || zombies().len() == 3);
        assert_eq!(reap_orphans().unwrap(), 2);
        assert_eq!(zombies(), [Pid::from_child(&own)]);
        assert_eq!(reap_orphans().unwrap(), 0);
        assert_eq!(own.wait().unwrap().code(), Some(1), "the host's own child is its own to reap");
        // Nor is the worker an orphan, whenever one asks.
        child.process.kill().unwrap();
        let mut exit = child.spawned.exit;
        let mut told = None;
        within("its exit is told", || {
            assert_eq!(reap_orphans().unwrap(), 0);
            told = exit.try_recv().ok();
            told.is_some()
        });
        let killed = ExitStatus::Signal { number: libc::SIGKILL, core_dumped: false };
        assert_eq!(told.unwrap().status, killed);
    });
}
