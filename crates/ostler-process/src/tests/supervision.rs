use std::sync::mpsc;
use std::time::{Duration, Instant};

use ostler_lifecycle::ExitStatus;
use rustix::process::{Pid, WaitOptions, waitpid};
use tokio::sync::oneshot;

use super::super::WorkerProcess;
use super::super::life::KillError;
use super::super::process_group::ProcessGroup;
use super::super::procfs::Stat;
use super::super::test_support::within;
use super::{carrying, marked, shell, start};

#[tokio::test]
async fn an_end_of_its_own_is_told_with_times() {
    let child = start(shell("exit 7")).await;
    let exit = child.spawned.exit.await.unwrap();
    assert_eq!(exit.status, ExitStatus::Code(7));
    assert_eq!((exit.killed_at, exit.oom), (None, None));
    assert!(exit.uptime > Duration::ZERO && exit.uptime < Duration::from_secs(60), "{:?}", exit.uptime);
    let swept = child.swept.await.unwrap();
    assert_eq!((swept.killed, swept.survivors), (0, 0));
}

#[tokio::test]
async fn a_kill_of_ours_is_told_with_its_time() {
    let child = start(shell("exec sleep 1000")).await;
    child.process.kill().unwrap();
    let between = Instant::now();
    child.process.kill().unwrap();
    let exit = child.spawned.exit.await.unwrap();
    assert_eq!(exit.status, ExitStatus::Signal { number: libc::SIGKILL, core_dumped: false });
    assert!(exit.killed_at.is_some_and(|at| at <= between), "{exit:?}");
    // Later kills change nothing, and hit nobody.
    child.process.kill().unwrap();
}

/// A copy of a host is not the host: its worker is another process's child.
#[tokio::test]
#[expect(unsafe_code, reason = "a host that forks")]
async fn a_child_that_the_host_forked_kills_nobody() {
    let child = start(shell("exec sleep 1000")).await;
    // SAFETY: the child asks for what takes a lock that nobody else wants, and ends.
    let copy = unsafe { libc::fork() };
    if copy == 0 {
        let refused = matches!(child.process.kill(), Err(KillError::NotOurs(_)));
        // SAFETY: it ends the child without what is the test's to do.
        unsafe { libc::_exit(if refused { 33 } else { 34 }) }
    }
    let (_, status) = waitpid(Pid::from_raw(copy), WaitOptions::empty()).unwrap().unwrap();
    assert_eq!(status.exit_status(), Some(33), "it is told that the worker is not its own");
    assert!(Stat::of(child.pid()).unwrap().is_some_and(|stat| stat.runs()));
    let (exit, _) = child.killed().await;
    assert_eq!(exit.status, ExitStatus::Signal { number: libc::SIGKILL, core_dumped: false });
}

#[tokio::test]
async fn who_is_killed_before_it_is_made_is_not_made() {
    let process = ProcessGroup::new();
    process.kill().unwrap();
    let (tell, swept) = oneshot::channel::<()>();
    let on_swept = Box::new(move |_| tell.send(()).unwrap());
    assert!(process.spawn(shell("exec sleep 1000"), Box::new(drop), on_swept).await.is_err());
    assert!(swept.await.is_err(), "nothing was made, so there was nothing to sweep for");
}

/// Another's unclaimed exit holds the thread up, as a slow spawn would, until something is sent.
async fn hold_the_supervisor() -> mpsc::Sender<()> {
    let (held, is_held) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let hold = Box::new(move |_| {
        held.send(()).unwrap();
        let _ = released.recv();
    });
    let other = ProcessGroup::new();
    drop(other.spawn(shell("exec sleep 1000"), hold, Box::new(drop)).await.unwrap().exit);
    other.kill().unwrap();
    is_held.recv_timeout(Duration::from_secs(10)).unwrap();
    release
}

#[tokio::test]
async fn a_kill_does_not_wait_for_the_supervisor() {
    let child = start(shell("exec sleep 1000")).await;
    let release = hold_the_supervisor().await;
    child.process.kill().unwrap();
    let pid = child.pid();
    within("it is dead, and not reaped", || Stat::of(pid).unwrap().is_some_and(|stat| !stat.runs()));
    release.send(()).unwrap();
    let exit = child.spawned.exit.await.unwrap();
    assert!(exit.killed_at.is_some());
}

#[tokio::test]
async fn a_spawn_that_nobody_waits_for_is_swept_for_once() {
    let (mark, spec) = marked(shell("exec sleep 1000"));
    let (told, unclaimed) = mpsc::channel();
    let (swept, sweeps) = mpsc::channel();
    let process = ProcessGroup::new();
    let spawn = process.spawn(
        spec,
        Box::new(move |exit| drop(told.send(exit))),
        Box::new(move |result| swept.send(result).unwrap()),
    );
    // Polled once, so that it is asked for, and then dropped before it can be made.
    let release = hold_the_supervisor().await;
    let mut spawn = Box::pin(spawn);
    let first = std::future::poll_fn(|cx| std::task::Poll::Ready(spawn.as_mut().poll(cx).is_pending())).await;
    drop(spawn);
    release.send(()).unwrap();
    assert!(first, "it was made while the supervisor was held");
    assert!(unclaimed.recv_timeout(Duration::from_secs(10)).unwrap().killed_at.is_some());
    assert_eq!(sweeps.recv_timeout(Duration::from_secs(10)).unwrap().survivors, 0);
    assert_eq!(sweeps.recv(), Err(mpsc::RecvError), "it was told twice");
    assert_eq!(carrying(&mark), []);
}
