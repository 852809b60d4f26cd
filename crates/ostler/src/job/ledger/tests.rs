#![expect(clippy::unwrap_used)]

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::*;
use crate::NewJob;
use crate::job::{JobCell, all};

#[derive(Clone, Serialize, Deserialize)]
struct Spec(u32);
impl JobType for Spec {
    type Output = String;
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Ids fall while jobs are added, so that nothing can rest on their order.
fn id(number: u32) -> JobId {
    JobId::from_uuid(Uuid::from_u128(u128::from(u32::MAX - number)))
}

fn ledger(jobs: u32, finished_kept: usize) -> Ledger<Spec> {
    let mut ledger = Ledger::new(finished_kept);
    for number in 0..jobs {
        let (job, _) = NewJob::new("p", Spec(number)).into_job(id(number), at(0));
        assert!(ledger.create(Arc::new(job)));
    }
    ledger
}

fn specs(jobs: &[Arc<Job<Spec>>]) -> Vec<u32> {
    jobs.iter().map(|job| job.spec.0).collect()
}

fn listed(ledger: &mut Ledger<Spec>) -> Vec<u32> {
    specs(&all(|page| ledger.page(page)))
}

fn complete(ledger: &mut Ledger<Spec>, number: u32) -> bool {
    ledger.mark_completed(id(number), format!("r{number}"), Vec::new(), at(9))
}

#[test]
fn jobs_are_listed_in_the_order_of_their_creation() {
    let mut ledger = ledger(4, 10);
    assert!(ledger.mark_running(id(2), 1, None, at(1)));
    assert!(ledger.mark_running(id(0), 1, None, at(2)));
    assert!(complete(&mut ledger, 3));
    assert_eq!(listed(&mut ledger), [0, 1, 2, 3]);
    assert_eq!(specs(&ledger.running()), [0, 2]);
}

#[test]
fn an_id_is_taken_once() {
    let mut ledger = ledger(1, 10);
    let (twin, _) = NewJob::new("p", Spec(77)).into_job(id(0), at(5));
    assert!(!ledger.create(Arc::new(twin)));
    assert_eq!(listed(&mut ledger), [0]);
}

#[test]
fn a_repeated_start_keeps_the_first_time() {
    let mut ledger = ledger(1, 10);
    assert!(ledger.mark_running(id(0), 1, Some(42), at(1)));
    assert!(!ledger.mark_running(id(0), 2, Some(43), at(2)));
    let job = ledger.get(id(0)).unwrap();
    assert_eq!((job.started_at, job.attempt, job.worker_pid), (Some(at(1)), 1, Some(42)));
}

#[test]
fn a_terminal_state_is_never_left() {
    for end in [JobStatus::Completed, JobStatus::Failed, JobStatus::Cancelled] {
        let mut ledger = ledger(1, 10);
        let ended = match end {
            JobStatus::Completed => complete(&mut ledger, 0),
            JobStatus::Failed => ledger.mark_failed(id(0), Box::new("no".into()), at(9)),
            _ => ledger.mark_cancelled(id(0), at(9)),
        };
        assert!(ended);
        let before = ledger.get(id(0)).unwrap();
        assert!(!every_change(&mut ledger, 0));
        let after = ledger.get(id(0)).unwrap();
        assert!(Arc::ptr_eq(&before, &after), "{end} was left");
        assert_eq!((after.status, after.completed_at), (end, Some(at(9))));
    }
}

#[test]
fn an_unknown_job_is_left_alone() {
    let mut ledger = ledger(1, 10);
    assert!(!every_change(&mut ledger, 5));
    assert!(ledger.get(id(5)).is_none());
    assert!(ledger.result(id(5)).is_none());
}

fn every_change(ledger: &mut Ledger<Spec>, number: u32) -> bool {
    let id = id(number);
    let reason = BlockReason::Resources { reason: "memory".into() };
    ledger.mark_running(id, 1, None, at(20))
        | ledger.mark_cancelling(id)
        | ledger.set_block_reason(id, Some(reason))
        | complete(ledger, number)
        | ledger.mark_failed(id, Box::new("late".into()), at(20))
        | ledger.mark_cancelled(id, at(20))
}

#[test]
fn a_cancelling_job_counts_as_running_and_may_still_complete() {
    let mut ledger = ledger(2, 10);
    assert!(ledger.mark_cancelling(id(0)), "a sent job is pending, and its cancel takes time too");
    assert!(ledger.mark_running(id(1), 1, None, at(1)));
    assert!(ledger.mark_cancelling(id(1)));
    assert_eq!(specs(&ledger.running()), [0, 1]);
    assert!(complete(&mut ledger, 0));
    assert!(ledger.mark_cancelled(id(1), at(2)));
    assert!(ledger.running().is_empty());
}

#[test]
fn a_block_reason_goes_when_the_job_starts() {
    let mut ledger = ledger(1, 10);
    let reason = BlockReason::Resources { reason: "memory".into() };
    assert!(ledger.set_block_reason(id(0), Some(reason.clone())));
    assert!(!ledger.set_block_reason(id(0), Some(reason.clone())));
    assert_eq!(ledger.get(id(0)).unwrap().block_reason, Some(reason));
    assert!(ledger.mark_running(id(0), 1, None, at(1)));
    assert_eq!(ledger.get(id(0)).unwrap().block_reason, None);
}

#[test]
fn results_are_there_once_the_job_has_ended() {
    let mut ledger = ledger(3, 10);
    assert!(ledger.result(id(0)).unwrap().read().is_none());
    complete(&mut ledger, 0);
    ledger.mark_failed(id(1), Box::new("no".into()), at(9));
    ledger.mark_cancelled(id(2), at(9));
    let mut read = |number| ledger.result(id(number)).unwrap().read().unwrap();
    assert_eq!(read(0), JobResult::Success { data: "r0".into() });
    assert_eq!(read(1), JobResult::Error(Box::new("no".into())));
    assert_eq!(read(2), JobResult::Cancelled);
}

#[test]
fn a_snapshot_does_not_change_under_its_reader() {
    let mut ledger = ledger(1, 10);
    let before = ledger.get(id(0)).unwrap();
    complete(&mut ledger, 0);
    assert_eq!(before.status, JobStatus::Pending);
    assert_eq!(ledger.status(id(0)), Some(JobStatus::Completed));
}

#[test]
fn clearing_takes_the_finished_and_leaves_the_rest() {
    let mut ledger = ledger(4, 10);
    complete(&mut ledger, 0);
    ledger.mark_cancelled(id(1), at(9));
    ledger.mark_running(id(2), 1, None, at(1));
    assert_eq!(specs(&ledger.clear_completed(false, 9).jobs), [0, 1]);
    assert_eq!(listed(&mut ledger), [2, 3]);
    assert!(ledger.result(id(0)).is_none());
    assert!(ledger.clear_completed(false, 9).jobs.is_empty());
}

#[test]
fn kept_results_answer_until_they_are_cleared_too() {
    let mut ledger = ledger(2, 10);
    complete(&mut ledger, 0);
    assert_eq!(ledger.clear_completed(true, 9).jobs.len(), 1);
    assert!(ledger.get(id(0)).is_none());
    assert_eq!(ledger.result(id(0)).unwrap().read(), Some(JobResult::Success { data: "r0".into() }));
    let _ = ledger.clear_completed(false, 0);
    assert!(ledger.result(id(0)).is_none());
}

#[test]
fn the_oldest_finished_job_goes_first_and_the_rest_never() {
    let mut ledger = ledger(5, 2);
    ledger.mark_running(id(0), 1, None, at(1));
    for number in [3, 2, 4] {
        complete(&mut ledger, number);
    }
    assert_eq!(ledger.take_evicted().unwrap().spec.0, 3, "3 ended first");
    assert_eq!(listed(&mut ledger), [0, 1, 2, 4]);
    assert!(ledger.take_evicted().is_none());
}

#[test]
fn a_bound_of_zero_keeps_no_finished_job() {
    let mut ledger = ledger(1, 0);
    assert!(complete(&mut ledger, 0));
    assert!(ledger.get(id(0)).is_none());
    assert_eq!(ledger.take_evicted().unwrap().result.as_deref(), Some("r0"));
}

#[test]
fn times_never_fall() {
    let mut ledger = Ledger::new(10);
    let (job, _) = NewJob::new("p", Spec(0)).into_job(id(0), at(100));
    ledger.create(Arc::new(job));
    ledger.mark_running(id(0), 1, None, at(50));
    ledger.mark_cancelled(id(0), at(20));
    let job = ledger.get(id(0)).unwrap();
    assert_eq!((job.started_at, job.completed_at), (Some(at(100)), Some(at(100))));
}

/// A job that was asked for with everything.
fn enqueued(ledger: &mut Ledger<Spec>) -> Job<Spec> {
    let new = NewJob::new("p", Spec(7))
        .priority(ostler_lifecycle::Priority::HIGH)
        .timeout(Duration::from_secs(1))
        .queue_timeout(Duration::from_secs(2))
        .stall_timeout(Duration::from_secs(3))
        .retry(ostler_lifecycle::RetryPolicy::attempts(4))
        .metadata("file", "a.txt");
    let (job, _) = new.into_job(id(7), at(5));
    let cell = JobCell::new(job.id, job.plugin_id.clone(), job.created_at, job.priority);
    assert!(ledger.enqueue(Waiting::new(Arc::new(cell), job.clone())));
    job
}

#[test]
fn the_record_of_a_job_that_waits_is_what_was_asked_for() {
    let mut ledger = Ledger::new(10);
    let job = enqueued(&mut ledger);
    assert_eq!(ledger.status(id(7)), Some(JobStatus::Pending));
    assert_eq!(ledger.timeout(id(7)), Some(Duration::from_secs(1)));
    let record = ledger.get(id(7)).unwrap();
    assert_eq!(serde_json::to_value(&*record).unwrap(), serde_json::to_value(&job).unwrap());
    assert!(Arc::ptr_eq(&record, &ledger.get(id(7)).unwrap()), "it is made once");
    assert_eq!(ledger.timeout(id(7)), Some(Duration::from_secs(1)));
}

#[test]
fn a_job_that_nobody_looked_at_runs_and_ends_like_any_other() {
    let mut ledger = Ledger::new(10);
    enqueued(&mut ledger);
    assert!(ledger.mark_running(id(7), 1, Some(42), at(6)));
    assert_eq!(specs(&ledger.running()), [7]);
    assert!(complete(&mut ledger, 7));
    assert_eq!(specs(&ledger.clear_completed(false, 9).jobs), [7]);
}
