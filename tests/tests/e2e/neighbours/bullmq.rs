//! BullMQ, as far as it runs jobs: sandboxed processors, stalled jobs, retries, pauses, cancels.
//!
//! | scenario of theirs | shown by |
//! |---|---|
//! | a processor that fails, crashes, exits with 0, exits with another code | `bad_input::plugin_errors::an_error_of_the_plugin_keeps_its_message_and_category_and_the_worker_lives_on`, `bad_input::dead_workers::an_exit_in_the_middle_of_a_job_is_a_crash_with_the_code` |
//! | a processor that is missing, broken, or not exported | `bad_input::programs::a_worker_binary_that_is_missing_is_named`, `bad_input::requests::an_unknown_plugin_is_refused_with_the_names_of_those_that_there_are` |
//! | a child that fails to initialize once | `neighbours::workerpool::workerpool_a_worker_that_fails_to_start_once_costs_its_job_nothing` |
//! | a child that is killed right after its job | `spinning::deaths_between_small_jobs_take_no_other_job_along`, `supervision::circuit::r13_a_job_that_is_handed_to_a_corpse_runs_elsewhere_unblamed` |
//! | a child that is used again | `seeds::base_manager::seed_003_plugin_resources_are_loaded_once_and_reused` |
//! | output of a processor | `operations::output::r31_what_a_job_prints_is_its_own` |
//! | a stalled job, its worker frozen, or without a lock | `supervision::time::r10_a_worker_that_is_stopped_under_its_job_is_found_and_replaced`, `supervision::time::r10_a_job_that_reports_nothing_is_killed_and_one_that_reports_is_not` |
//! | a long job whose lock is extended is not stalled | `supervision::time::r10_a_worker_that_computes_without_a_word_is_alive` |
//! | a job runs in no two workers | `guarantees::one_worker::guarantee_2_many_jobs_in_many_workers_begin_once_each`, `guarantees::one_worker::guarantee_2_a_worker_that_sleeps_over_its_job_cannot_wake_and_run_it_too` |
//! | retries up to the attempts, by the kind of error; `UnrecoverableError` | `supervision::quarantine::r8_attempts_are_counted_apart_from_crashes_and_the_plugin_says_what_may_go_better` |
//! | backoff fixed, exponential, with jitter | `backoff_grows_is_capped_and_never_overflows` in `crates/ostler-lifecycle/src/restart.rs` |
//! | a job that failed, or completed, is tried again by hand | `operations::queue::a_job_that_has_ended_runs_again_as_a_new_one` |
//! | a retried job and its place | `guarantees::order::guarantee_6_a_job_that_comes_back_keeps_its_place` |
//! | priorities, and arrival within one | `operations::request::a_higher_priority_goes_first_and_equal_ones_by_arrival`, `operations::queue::a_low_priority_is_passed_for_ever_or_only_for_a_while` |
//! | concurrency, of the queue and of a group | `operations::queue::no_more_jobs_of_a_plugin_run_than_its_limit_and_others_pass` |
//! | concurrency that is changed | `supervision::pool::a_pool_can_be_made_larger_and_smaller_while_jobs_run_and_none_ends_because_of_it` |
//! | pause and resume | `operations::queue::a_paused_manager_starts_nothing_and_lets_active_jobs_finish` |
//! | obliterate | `operations::deep_queue::whoever_cancels_all_lets_none_begin_in_between`, `operations::deep_queue::clearing_forgets_all_that_have_ended_and_their_events` |
//! | clean, `removeOnComplete`, `removeOnFail` by count and age | `operations::results::finished_jobs_are_kept_up_to_the_configured_count`, `operations::queue::ended_jobs_are_forgotten_when_they_are_old` |
//! | an active job is not removed | `operations::results::clear_completed_jobs_says_how_many_and_leaves_pending_and_running` |
//! | progress as number, text or object; logs, and how many are kept | `operations::functions::progress_carries_data_for_programs`, `bad_input::floods::of_a_flood_of_logs_and_progress_a_bounded_log_keeps_the_last_and_counts_the_rest` |
//! | data of a job that is changed | `operations::queue::metadata_changes_while_a_job_waits_and_after_its_end_as_an_event` |
//! | events, in order, to every listener | `operations::events::events_of_a_manager_tell_all_of_jobs_and_workers_in_order_to_every_reader` |
//! | cancel with a reason, of all, of an unknown one, by several at once, close to the end | `supervision::cancel::r3_the_record_says_who_asked_why_when_and_what_proves_it`, `operations::cancel::cancel_job_is_false_for_an_unknown_and_for_an_ended_job`, `operations::cancel::callers_at_the_same_time_share_one_outcome`, `guarantees::crossing::guarantee_5_a_result_that_crosses_a_cancel_is_the_same_for_everyone` |
//! | clean-up at a cancel, and its deadline | `supervision::cancel::r32_a_job_may_tidy_up_and_what_it_was_given_stands_on_the_record`, `supervision::cancel::r32_a_grace_never_delays_the_kill_past_it_and_a_second_cancel_only_shortens_it` |
//! | close waits for what runs | `operations::shutdown::shutdown_lets_running_and_pending_jobs_finish_and_refuses_new_ones` |
//! | counts and lists by state | `operations::queue::jobs_are_counted_where_they_stand` |
//! | data that is too large, or circular | `bad_input::requests::an_oversized_request_is_refused_and_the_largest_that_fits_runs`, `bad_input::undecodable::a_value_that_json_cannot_encode_is_refused_with_the_reason` |
//!
//! What does not apply: whatever needs a broker or a store, as locks, tokens, reconnects and queues that outlive their host;
//! rates in time; delayed and repeated jobs, flows of parents and children, deduplication; ids and priorities that are
//! changed later. None of that is here.

use std::collections::BTreeSet;
use std::time::Duration;

use ostler::{
    BlockReason, CancelRequest, Category, FailureKind, JobHandle, JobManager, JobStatus, ManagerEventKind,
    RetryPolicy, WorkerConfig,
};
use ostler_tests::lab::Task;

use super::{PATIENCE, soon};
use crate::support::{
    Gate, at_once, echo, failed, lab, launch, runs, says, scratch, started, within, workers,
};

/// At once, so that no test waits for a delay.
fn attempts(max_attempts: u32) -> RetryPolicy {
    RetryPolicy { backoff_base: Duration::ZERO, ..RetryPolicy::attempts(max_attempts) }
}

fn transient() -> Task {
    Task::Fail("no answer".to_owned(), Category::Transient)
}

async fn run(manager: &JobManager<Task>, task: Task) -> String {
    soon(manager.start_job("lab", task).await.unwrap().output()).await.unwrap()
}

/// "job stalled more than allowable limit".
#[tokio::test]
async fn bullmq_a_job_that_stalls_every_time_fails_after_its_attempts() {
    let manager = lab().config(at_once()).launch().await.unwrap();
    let request = manager.job("lab", Task::Spin).stall_timeout(Duration::from_millis(150));
    let job = request.retry(attempts(3)).start().await.unwrap();
    assert_eq!(soon(failed(&job)).await.kind, FailureKind::Stalled);
    let record = job.finished().await;
    let past: Vec<_> = record.past_failures.iter().map(|failure| failure.kind).collect();
    assert_eq!((record.attempt, past), (3, vec![FailureKind::Stalled; 2]));
    assert_eq!(run(&manager, echo("next")).await, "next");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn bullmq_a_job_that_waits_for_its_backoff_lets_others_pass_and_can_be_cancelled() {
    let manager = lab().config(at_once()).launch().await.unwrap();
    let month = Duration::from_secs(30 * 24 * 3600);
    let policy = RetryPolicy { backoff_base: month, backoff_max: month, ..RetryPolicy::attempts(3) };
    let job = manager.job("lab", transient()).retry(policy).start().await.unwrap();
    let worker = started(&job).await;
    let backs_off = || matches!(manager.why_waits(job.id()), Some(BlockReason::Retry { attempt: 2, .. }));
    assert!(within(PATIENCE, backs_off).await, "{:?}", manager.why_waits(job.id()));
    assert_eq!(run(&manager, echo("passes")).await, "passes");
    assert_eq!(job.status(), JobStatus::Pending);
    assert!(soon(job.cancel()).await.unwrap().is_cancelled());
    let record = job.finished().await;
    assert_eq!((record.status, record.past_failures.len()), (JobStatus::Cancelled, 1));
    assert_eq!(run(&manager, Task::Pid).await, worker.to_string(), "nobody was killed for it");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn bullmq_a_job_that_fails_while_the_queue_is_paused_is_tried_again_after_the_pause() {
    let manager = launch().await;
    let gate = Gate::new();
    let task = Task::Steps(vec![gate.task(), transient()]);
    let job = manager.job("lab", task).retry(attempts(2)).start().await.unwrap();
    started(&job).await;
    manager.pause();
    gate.open();
    let held = || manager.why_waits(job.id()) == Some(BlockReason::Paused);
    assert!(within(PATIENCE, held).await, "{:?}", manager.why_waits(job.id()));
    assert_eq!(manager.get_job(job.id()).unwrap().past_failures.len(), 1);
    manager.resume();
    assert_eq!(soon(failed(&job)).await.kind, FailureKind::Plugin);
    assert_eq!(job.finished().await.attempt, 2);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn bullmq_to_pause_or_to_resume_twice_is_no_error_and_is_told_once() {
    let manager = launch().await;
    let mut events = manager.events();
    manager.resume();
    manager.pause();
    manager.pause();
    assert!(manager.is_paused());
    manager.resume();
    manager.resume();
    assert!(!manager.is_paused());
    assert_eq!(run(&manager, echo("on")).await, "on");
    manager.shutdown().await.unwrap();
    let mut told = Vec::new();
    while let Some(event) = events.next().await {
        match event.unwrap().kind {
            ManagerEventKind::Paused => told.push("paused"),
            ManagerEventKind::Resumed => told.push("resumed"),
            _ => {}
        }
    }
    assert_eq!(told, ["paused", "resumed"]);
}

#[tokio::test]
async fn bullmq_a_queue_is_drained_and_the_active_job_goes_on() {
    let manager = launch().await;
    let gate = Gate::new();
    let active = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&active).await;
    let mut waiting = BTreeSet::new();
    for _ in 0..20 {
        waiting.insert(manager.start_job("lab", echo("never")).await.unwrap().id());
    }
    let pending = manager.get_all_jobs().into_iter().filter(|job| job.status == JobStatus::Pending);
    let ids: Vec<_> = pending.map(|job| job.id).collect();
    let summary = soon(manager.cancel_jobs(ids, CancelRequest::new().because("drained"))).await;
    assert_eq!(summary.cancelled.into_iter().collect::<BTreeSet<_>>(), waiting);
    assert_eq!((manager.counts().pending, manager.counts().running), (0, 1));
    assert!(runs(pid));
    gate.open();
    assert_eq!(soon(active.output()).await.unwrap(), "open");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn bullmq_a_cancelled_job_is_not_tried_again_though_its_policy_would() {
    let manager = lab().config(at_once()).launch().await.unwrap();
    let job = manager.job("lab", Task::Spin).retry(attempts(5)).start().await.unwrap();
    started(&job).await;
    assert!(soon(job.cancel()).await.unwrap().is_cancelled());
    let record = job.finished().await;
    assert_eq!((record.status, record.attempt), (JobStatus::Cancelled, 1));
    // The last attempt is no other one.
    let directory = scratch();
    let sign = Task::Sign(directory.path().join("ran"), "ran".to_owned());
    let steps = Task::Steps(vec![sign, Task::HangOnce(directory.path().join("once")), Task::Spin]);
    let request = manager.job("lab", steps).retry(attempts(2)).stall_timeout(Duration::from_secs(1));
    let last = request.start().await.unwrap();
    let runs = || std::fs::read_to_string(directory.path().join("ran")).unwrap_or_default().lines().count();
    assert!(within(PATIENCE, || on_attempt(&manager, &last, 2) && runs() == 2).await);
    assert!(soon(last.cancel()).await.unwrap().is_cancelled());
    assert_eq!(runs(), 2);
    assert_eq!(run(&manager, echo("next")).await, "next");
    manager.shutdown().await.unwrap();
}

fn on_attempt(manager: &JobManager<Task>, job: &JobHandle<Task>, attempt: u32) -> bool {
    let record = manager.get_job(job.id()).unwrap();
    record.status == JobStatus::Running && record.attempt == attempt
}

#[tokio::test]
async fn bullmq_a_job_that_fails_during_a_shutdown_fails_as_it_did() {
    let manager =
        lab().config(WorkerConfig { shutdown_timeout: PATIENCE, ..workers(1) }).launch().await.unwrap();
    let gate = Gate::new();
    let job = manager.start_job("lab", Task::Steps(vec![gate.task(), transient()])).await.unwrap();
    started(&job).await;
    let closing = manager.clone();
    let shutdown = tokio::spawn(async move { closing.shutdown().await });
    tokio::task::yield_now().await;
    gate.open();
    let failure = soon(failed(&job)).await;
    assert_eq!((failure.kind, failure.message.as_str()), (FailureKind::Plugin, "no answer"));
    soon(shutdown).await.unwrap().unwrap();
}

/// An uncaught exception, and an unhandled rejection, in what a processor has started beside itself.
#[tokio::test]
async fn bullmq_a_panic_in_a_thread_of_a_plugin_is_no_end_of_its_job() {
    let manager = launch().await;
    let task = Task::Steps(vec![Task::PanicElsewhere("nobody caught it".to_owned()), echo("went on")]);
    let job = manager.start_job("lab", task).await.unwrap();
    assert_eq!(soon(job.output()).await.unwrap(), "went on");
    assert_eq!(run(&manager, Task::Config).await.trim(), "1", "the plugin was not loaded afresh");
    // The next panic is told by its own place and words.
    let panics = manager.start_job("lab", Task::Panic("caught".to_owned())).await.unwrap();
    let failure = soon(failed(&panics)).await;
    says(&failure, &["lab/plugin.rs:", "caught"]);
    assert!(!failure.to_string().contains("nobody"), "{failure}");
    manager.shutdown().await.unwrap();
}

/// A child without stdout and stderr.
#[tokio::test]
async fn bullmq_a_worker_that_closes_its_output_runs_jobs_and_dies_as_others_do() {
    let manager = lab().config(at_once()).launch().await.unwrap();
    let closes = Task::Steps(vec![Task::Print("last words\n".into()), Task::CloseOutput, Task::Pid]);
    let pid = run(&manager, closes).await;
    for _ in 0..3 {
        assert_eq!(run(&manager, Task::Steps(vec![Task::Print("unheard\n".into()), Task::Pid])).await, pid);
    }
    let crashes = manager.start_job("lab", Task::Abort("unheard".into())).await.unwrap();
    let failure = soon(failed(&crashes)).await;
    assert_eq!(failure.kind, FailureKind::Crashed);
    says(failure, &["SIGABRT"]);
    assert_ne!(run(&manager, Task::Pid).await, pid);
    soon(manager.shutdown()).await.unwrap();
}

/// A sandboxed processor that calls `process.disconnect()`.
#[tokio::test]
async fn bullmq_a_job_that_closes_the_connection_of_its_worker_fails_and_the_next_one_runs() {
    let manager =
        lab().config(WorkerConfig { max_restart_attempts: 100, ..at_once() }).launch().await.unwrap();
    for then in [echo("unheard"), Task::IgnoreCancel, Task::Spin] {
        let job = manager.start_job("lab", Task::Steps(vec![Task::CloseAll, then])).await.unwrap();
        let next = manager.start_job("lab", echo("next")).await.unwrap();
        let pid = started(&job).await;
        let failure = soon(failed(&job)).await;
        assert_eq!(failure.kind, FailureKind::Protocol, "{failure}");
        says(failure, &["it closed its connection and did not exit"]);
        assert!(!runs(pid));
        assert_eq!(soon(next.output()).await.unwrap(), "next");
    }
    manager.shutdown().await.unwrap();
}
