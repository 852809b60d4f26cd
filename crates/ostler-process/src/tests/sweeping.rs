use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::time::Duration;

use ostler_wire::env;

use super::super::WorkerProcess;
use super::super::procfs;
use super::super::sweep::{Sweep, Swept, Verdict};
use super::super::test_support::{scratch, unknown, within};
use super::super::worker_id::WorkerId;
use super::{carrying, shell, start};

/// Two processes of a session of their own.
const DAEMON: &str = "setsid sh -c 'trap \"\" TERM; sleep 1000 & exec sleep 1000' & ";

fn ended(killed: u32) -> Swept {
    Swept { killed, ..Swept::default() }
}

/// Those that are done with after a walk, which could look.
fn walked(sweep: &mut Sweep) -> Vec<(WorkerId, Swept)> {
    let (told, blind) = sweep.walk();
    assert!(blind.is_none(), "{blind:?}");
    let done = |(id, verdict)| match verdict {
        Verdict::Done(swept) => (id, swept),
        Verdict::Unknown(swept) => panic!("{swept:?}"),
    };
    told.into_iter().map(done).collect()
}

fn mark(id: WorkerId) -> String {
    format!("{}={id}", env::WORKER_ID)
}

#[tokio::test]
async fn a_daemon_does_not_outlive_its_worker() {
    let child = start(shell(&format!("{DAEMON} exec sleep 1000"))).await;
    within("worker and daemon run", || carrying(&child.mark).len() == 3);
    let mark = child.mark.clone();
    let (_, swept) = child.killed().await;
    assert_eq!(swept, ended(2));
    assert_eq!(carrying(&mark), []);
}

#[tokio::test]
async fn one_that_was_left_by_a_worker_that_ended_by_itself_is_found_too() {
    // The shell waits until the daemon is in its session: in the group it would be killed with it.
    let script = "(setsid sh -c 'echo; exec sleep 1000 > /dev/null' &) | { read line; exit 3; }";
    let child = start(shell(script)).await;
    let swept = child.swept.await.unwrap();
    assert_eq!(swept, ended(1));
    assert_eq!(carrying(&child.mark), []);
}

#[tokio::test]
async fn what_forks_while_it_is_swept_does_not_get_away() {
    let script = "setsid sh -c 'while :; do setsid sleep 1000 & sleep 0.005; done' & exec sleep 1000";
    let child = start(shell(script)).await;
    within("it forks", || carrying(&child.mark).len() > 10);
    let mark = child.mark.clone();
    let (_, swept) = child.killed().await;
    assert_eq!(swept.survivors, 0, "{swept:?}");
    assert!(swept.killed > 8, "{swept:?}");
    assert_eq!(carrying(&mark), []);
}

#[tokio::test]
async fn what_hops_from_process_to_process_does_not_get_away() {
    // It hops faster than it can be looked for, so it says that it begins.
    let begun = scratch();
    let file = begun.path().join("begun");
    let script =
        format!("setsid sh -c 'hop() {{ hop & exit; }}; : > {}; hop' & exec sleep 1000", file.display());
    let child = start(shell(&script)).await;
    within("it hops", || file.exists());
    let mark = child.mark.clone();
    let (_, swept) = child.killed().await;
    assert_eq!(swept.survivors, 0, "{swept:?}");
    assert_eq!(carrying(&mark), []);
}

#[tokio::test]
async fn workers_that_die_together_are_each_told_their_own() {
    let mut children = Vec::new();
    for _ in 0..3 {
        let child = start(shell(&format!("{DAEMON} exec sleep 1000"))).await;
        within("worker and daemon run", || carrying(&child.mark).len() == 3);
        children.push(child);
    }
    children.iter().for_each(|child| child.process.kill().unwrap());
    for child in children {
        assert_eq!(child.swept.await.unwrap(), ended(2));
    }
}

#[test]
fn one_walk_serves_several_workers_and_spares_strangers() {
    let ids = [(); 4].map(|()| WorkerId::fresh().unwrap());
    let mut children: Vec<_> = ids.iter().map(|id| sleeper(&id.to_string())).collect();
    // Within the second worker there was a host, and this was its worker.
    children.push(sleeper(&format!("{}:{}", ids[1], WorkerId::fresh().unwrap())));
    let [first, second, absent, stranger] = ids;
    let mut absentee = children.remove(2);
    absentee.kill().unwrap();
    absentee.wait().unwrap();

    let mut sweep = Sweep::default();
    [first, second, absent].into_iter().for_each(|id| sweep.begin(unknown(id)));
    let mut done = HashMap::new();
    while !sweep.is_idle() {
        done.extend(walked(&mut sweep));
    }
    // The children are zombies now, which nobody needs to kill.
    assert_eq!(done[&first], ended(1));
    assert_eq!(done[&second], ended(2));
    assert_eq!(done[&absent], Swept::default());
    assert_eq!(carrying(&mark(stranger)).len(), 1, "a stranger was hit");
    for mut child in children {
        let _ = child.kill();
        child.wait().unwrap();
    }
}

fn sleeper(value: &str) -> std::process::Child {
    let mut command = Command::new("sleep");
    command.arg("1000").env(env::WORKER_ID, value).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn a_walk_takes_little_of_the_processor() {
    let mut sweep = Sweep::default();
    sweep.begin(unknown(WorkerId::fresh().unwrap()));
    let before = own_processor_time();
    walked(&mut sweep);
    let (took, processes) = (own_processor_time() - before, procfs::pids().unwrap().len());
    assert!(took < Duration::from_secs(1), "{took:?} for {processes} processes");
}

/// Of this thread.
fn own_processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap())
}
