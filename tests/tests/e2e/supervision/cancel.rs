//! R1, R3, R32: a cancel hits its job and no other, is proven, and stands on the record.

use std::time::Duration;

use ostler::{CancelRequest, DeathCause, DeathPhase, EndReason, JobStatus, RestartPolicy, WorkerConfig};
use ostler_tests::lab::Task;

use crate::support::{at_once, echo, lab, runs, scratch, started};

#[tokio::test(flavor = "multi_thread")]
async fn r1_a_cancel_that_crosses_the_end_of_its_job_never_hits_the_next_one() {
    let manager = lab().config(at_once()).launch().await.unwrap();
    let mut cancelled = 0;
    for round in 0..300_u32 {
        let meant = manager.start_job("lab", Task::Linger(Duration::from_micros(200))).await.unwrap();
        let next = manager.start_job("lab", echo("next")).await.unwrap();
        // Sooner and later, so that it comes while the job is sent, runs, ends, and when the next one is there.
        for _ in 0..round % 30 {
            tokio::task::yield_now().await;
        }
        let hit = meant.cancel().await.unwrap().is_cancelled();
        cancelled += u32::from(hit);
        let record = meant.finished().await;
        assert_eq!(record.status, if hit { JobStatus::Cancelled } else { JobStatus::Completed });
        // Asked for in time or too late: who came first stands on the record.
        let proven = record.cancellation.as_ref().map(|cancellation| cancellation.proven_at.is_some());
        assert!(proven == Some(true) || !hit, "{record:?}");
        assert!(proven != Some(true) || hit, "{record:?}");
        assert_eq!(next.output().await.unwrap(), "next", "round {round}");
    }
    println!("{cancelled} of 300 were cancelled");
    assert!(cancelled > 0);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r3_the_record_says_who_asked_why_when_and_what_proves_it() {
    let manager = lab().launch().await.unwrap();
    let directory = scratch();
    let job = manager.start_job("lab", Task::Hang(directory.path().join("hang"))).await.unwrap();
    let pid = started(&job).await;
    let request = CancelRequest::new().by("alice").because("wrong file");
    assert!(manager.cancel_job_with(job.id(), request).await.unwrap());
    assert!(!runs(pid));

    let record = job.finished().await;
    let cancellation = record.cancellation.as_ref().unwrap();
    assert_eq!(cancellation.by.as_deref(), Some("alice"));
    assert_eq!(cancellation.reason.as_deref(), Some("wrong file"));
    assert_eq!(cancellation.asked_at, None, "there was no grace");
    let times = [Some(cancellation.requested_at), cancellation.killed_at, cancellation.proven_at];
    assert!(times.iter().all(Option::is_some) && times.is_sorted(), "{times:?}");
    assert!(cancellation.took().unwrap() < Duration::from_secs(5));

    let forensics = record.forensics().unwrap();
    assert_eq!(forensics.pid, Some(pid));
    assert_eq!(forensics.cause, DeathCause::Ended { reason: EndReason::Cancelled });
    assert_eq!(forensics.phase, DeathPhase::Run);
    assert_eq!(forensics.signal.as_deref(), Some("SIGKILL"));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r3_a_pending_job_is_cancelled_with_a_record_and_without_a_worker() {
    let manager = lab().launch().await.unwrap();
    let gate = crate::support::Gate::new();
    let first = manager.start_job("lab", gate.task()).await.unwrap();
    let pending = manager.start_job("lab", echo("never")).await.unwrap();
    let request = CancelRequest::new().because("not needed");
    assert!(pending.cancel_with(request).await.unwrap().is_cancelled());
    let record = pending.finished().await;
    let cancellation = record.cancellation.as_ref().unwrap();
    assert_eq!(cancellation.reason.as_deref(), Some("not needed"));
    assert_eq!((cancellation.killed_at, cancellation.forensics.is_none()), (None, true));
    assert!(cancellation.proven_at.is_some());
    gate.open();
    assert_eq!(first.output().await.unwrap(), "open");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r32_a_job_may_tidy_up_and_what_it_was_given_stands_on_the_record() {
    let manager = lab().launch().await.unwrap();
    let job = manager.start_job("lab", Task::TidyUp).await.unwrap();
    started(&job).await;
    let request = CancelRequest::new().grace(Duration::from_secs(30));
    assert!(manager.cancel_job_with(job.id(), request).await.unwrap());
    let record = job.finished().await;
    let cancellation = record.cancellation.as_ref().unwrap();
    assert!(cancellation.asked_at.unwrap() <= cancellation.killed_at.unwrap());
    assert!(cancellation.took().unwrap() < Duration::from_secs(15), "nobody waits for the rest of the grace");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn r32_a_grace_never_delays_the_kill_past_it_and_a_second_cancel_only_shortens_it() {
    let manager = lab().launch().await.unwrap();
    let job = manager.start_job("lab", Task::IgnoreCancel).await.unwrap();
    started(&job).await;
    let hour = CancelRequest::new().grace(Duration::from_secs(3600));
    let impatient = CancelRequest::new().grace(Duration::from_millis(50)).because("too slow");
    let (first, second) =
        tokio::join!(manager.cancel_job_with(job.id(), hour), manager.cancel_job_with(job.id(), impatient),);
    assert_eq!((first, second), (Ok(true), Ok(true)));
    let record = job.finished().await;
    let cancellation = record.cancellation.as_ref().unwrap();
    assert_eq!(cancellation.reason, None, "the first one's record stands");
    assert!(cancellation.took().unwrap() < Duration::from_secs(30));
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r1_many_are_cancelled_at_once_and_the_others_are_left_alone() {
    let config =
        WorkerConfig { max_workers: 4, restart_policy: RestartPolicy::Always, ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let directory = scratch();
    let hang = |name: String| Task::Hang(directory.path().join(name));
    let mut of_lab = Vec::new();
    for number in 0..3 {
        of_lab.push(manager.start_job("lab", hang(format!("lab{number}"))).await.unwrap());
    }
    let gate = crate::support::Gate::new();
    let other = manager.start_job("other", gate.task()).await.unwrap();
    for job in of_lab.iter().chain([&other]) {
        started(job).await;
    }
    for number in 0..50 {
        of_lab.push(manager.start_job("lab", hang(format!("waits{number}"))).await.unwrap());
    }
    let summary = manager.cancel_plugin("lab", CancelRequest::new().because("stop it")).await;
    assert_eq!(summary.cancelled.len(), 53, "{summary:?}");
    for job in &of_lab {
        assert_eq!(job.finished().await.status, JobStatus::Cancelled);
    }
    let again = manager.cancel_jobs(of_lab.iter().map(ostler::JobHandle::id), CancelRequest::new()).await;
    assert_eq!((again.cancelled.len(), again.not_cancelled.len()), (0, 53));
    gate.open();
    assert_eq!(other.output().await.unwrap(), "open");
    manager.shutdown().await.unwrap();
}
