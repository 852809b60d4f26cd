//! 3. A worker's death touches only the job that it was running.

use std::time::{Duration, Instant};

use ostler::{
    ExitStatus, FailureKind, JobEventKind, JobStatus, ManagerEventKind, RestartPolicy, WorkerConfig,
    WorkerPhase,
};
use ostler_tests::lab::Task;

use super::agreement::{agreed_end, events};
use crate::support::{Gate, echo, group, kill, lab, runs, scratch, signal, started, workers};

fn untiring(max_workers: u32) -> WorkerConfig {
    WorkerConfig {
        restart_policy: RestartPolicy::Always,
        max_restart_attempts: 1_000,
        ..workers(max_workers)
    }
}

#[tokio::test]
async fn guarantee_3_a_worker_killed_from_outside_fails_only_its_job_with_the_signals_name() {
    let (gate, directory) = (Gate::new(), scratch());
    let manager = lab().config(untiring(2)).launch().await.unwrap();
    let other = manager.start_job("lab", gate.task()).await.unwrap();
    let others_worker = started(&other).await;
    let victim = manager.start_job("lab", Task::Hang(directory.path().join("hang"))).await.unwrap();
    let pid = started(&victim).await;
    let queued = manager.start_job("lab", echo("queued")).await.unwrap();
    kill(pid);

    assert_eq!(agreed_end(&manager, &victim).await, JobStatus::Failed);
    let failure = victim.output().await.unwrap_err().failure().cloned().unwrap();
    assert_eq!(failure.kind, FailureKind::Crashed);
    assert!(failure.message.contains("SIGKILL"), "{}", failure.message);
    let forensics = failure.forensics.unwrap();
    assert_eq!((forensics.pid, forensics.signal.as_deref()), (Some(pid), Some("SIGKILL")));
    assert_eq!(forensics.status, ExitStatus::Signal { number: 9, core_dumped: false });

    assert_eq!(queued.output().await.unwrap(), "queued");
    assert_eq!(other.status(), JobStatus::Running);
    gate.open();
    assert_eq!(agreed_end(&manager, &other).await, JobStatus::Completed);
    assert_eq!(other.finished().await.worker_pid, Some(others_worker));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_3_the_children_of_a_dead_worker_are_ended_before_its_job_fails() {
    let manager = lab().config(untiring(1)).launch().await.unwrap();
    for _ in 0..5 {
        let job = manager.start_job("lab", Task::DieAndLeaveChild).await.unwrap();
        let failure = job.output().await.unwrap_err().failure().cloned().unwrap();
        let worker = job.finished().await.worker_pid.unwrap();
        assert!(group(worker).is_empty());
        assert!(failure.message.contains("SIGKILL"), "{}", failure.message);
        let said = events(&job).await.into_iter().find_map(|event| match event.kind {
            JobEventKind::Log { message, .. } => Some(message),
            _ => None,
        });
        let child: u32 = said.unwrap().parse().unwrap();
        assert!(!runs(child));
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_3_a_death_is_noticed_at_once() {
    let directory = scratch();
    let manager = lab().config(untiring(1)).launch().await.unwrap();
    let mut delays = Vec::new();
    for round in 0..15 {
        let task = Task::Hang(directory.path().join(round.to_string()));
        let job = manager.start_job("lab", task).await.unwrap();
        let pid = started(&job).await;
        let killed = Instant::now();
        kill(pid);
        assert_eq!(job.finished().await.status, JobStatus::Failed);
        delays.push(killed.elapsed());
    }
    delays.sort();
    let median = delays[delays.len() / 2];
    println!("from the kill to its notice, median {median:?}, worst {:?}", delays.last());
    assert!(median < Duration::from_secs(1), "{delays:?}");
    manager.shutdown().await.unwrap();
}

/// The kill comes while the worker is stopped: it was sent the job, and never said that it began.
#[tokio::test]
async fn guarantee_3_a_job_that_was_sent_and_not_started_goes_back_to_the_front_unblamed() {
    let directory = scratch();
    let path = directory.path().join("order");
    let manager = lab().config(untiring(1)).launch().await.unwrap();
    let doomed = manager.workers()[0].pid.unwrap();
    signal(doomed, "STOP");
    let mut jobs = Vec::new();
    for name in ["sent", "second", "third"] {
        let task = Task::Sign(path.clone(), name.to_owned());
        jobs.push(manager.start_job("lab", task).await.unwrap());
    }
    let worker = &manager.workers()[0];
    assert_eq!((worker.phase, worker.job), (WorkerPhase::Busy, Some(jobs[0].id())), "it was sent");
    assert_eq!(jobs[0].status(), JobStatus::Pending, "and readers see it wait");
    kill(doomed);

    for job in &jobs {
        assert_eq!(agreed_end(&manager, job).await, JobStatus::Completed);
        let record = job.finished().await;
        assert_eq!(record.attempt, 1);
        assert_ne!(record.worker_pid, Some(doomed));
        let names: Vec<&str> = events(job).await.iter().map(|event| event.kind.name()).collect();
        assert_eq!(names, ["queued", "started", "completed"]);
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), "sent\nsecond\nthird\n");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_3_a_request_of_which_half_was_sent_goes_whole_to_another_worker() {
    let manager = lab().config(untiring(1)).launch().await.unwrap();
    let doomed = manager.workers()[0].pid.unwrap();
    signal(doomed, "STOP");
    // More than a socket holds.
    let bytes: Vec<u8> = (0..4_000_000_u32).map(|number| (number % 251) as u8).collect();
    let request = manager.job("lab", Task::Attachments).attach("big", "x/y", bytes.clone());
    let job = request.start().await.unwrap();
    kill(doomed);
    assert_eq!(agreed_end(&manager, &job).await, JobStatus::Completed);
    assert_eq!(job.finished().await.attachment("big").unwrap().bytes, bytes);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_3_a_worker_that_does_not_begin_is_killed_and_its_job_runs_elsewhere() {
    let config = WorkerConfig { worker_start_timeout: Duration::from_secs(2), ..untiring(1) };
    let manager = lab().config(config).launch().await.unwrap();
    let stopped = manager.workers()[0].pid.unwrap();
    signal(stopped, "STOP");
    let job = manager.start_job("lab", Task::Pid).await.unwrap();
    let ran_in = job.output().await.unwrap();
    assert_ne!(ran_in, stopped.to_string());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_3_the_death_of_an_idle_worker_touches_no_job() {
    let (gate, manager) = (Gate::new(), lab().config(untiring(2)).launch().await.unwrap());
    let mut events = manager.events();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    let busy = started(&job).await;
    // The second worker may still be loading; it can be killed all the same.
    let idle = loop {
        let pids = manager.workers().into_iter().filter_map(|worker| worker.pid);
        match pids.filter(|pid| *pid != busy).last() {
            Some(pid) => break pid,
            None => drop(events.next().await.unwrap()),
        }
    };
    kill(idle);
    loop {
        if let ManagerEventKind::Worker(worker) = events.next().await.unwrap().unwrap().kind
            && worker.state.phase == WorkerPhase::Gone
        {
            assert!(worker.cause.unwrap().contains("SIGKILL"));
            assert_eq!(worker.state.pid, Some(idle));
            break;
        }
    }
    assert_eq!(job.status(), JobStatus::Running);
    gate.open();
    assert_eq!(agreed_end(&manager, &job).await, JobStatus::Completed);
    manager.shutdown().await.unwrap();
}
