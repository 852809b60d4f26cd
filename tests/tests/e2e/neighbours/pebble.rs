//! Pebble's process pool: timeouts, cancels, dying and broken workers, and its ways to stop.
//!
//! | scenario of theirs | shown by |
//! |---|---|
//! | one future, many futures, callbacks | `operations::start::a_job_runs_in_a_worker_and_its_output_comes_back`, `operations::completed::on_job_completed_runs_once_when_job_and_result_are_visible` |
//! | an error is raised by the future and told to the callback | `bad_input::plugin_errors::an_error_of_the_plugin_keeps_its_message_and_category_and_the_worker_lives_on`, `operations::ended::the_hook_for_how_a_job_ended_runs_once_when_the_end_is_visible` |
//! | a task, or a result, that cannot be pickled | `bad_input::undecodable::a_type_that_bincode_cannot_encode_is_named_and_json_suggested`, `neighbours::loky::loky_a_result_that_breaks_its_worker_while_it_is_written_costs_only_its_job` |
//! | a timeout, also of a task that ignores SIGTERM; its worker is replaced | `bad_input::plugin_errors::a_plugin_that_never_returns_is_killed_after_the_timeout_and_the_next_job_runs`, `guarantees::cancel::guarantee_4_of_a_job_that_timed_out_no_code_runs_either`, `rogue::processes::a_worker_that_ignores_signals_is_cancelled_all_the_same` |
//! | a cancel, of a task that runs or waits; its worker is replaced | `operations::cancel::cancel_job_is_true_when_the_worker_is_dead_and_the_next_job_runs_in_another`, `operations::cancel::a_pending_job_is_cancelled_without_a_kill` |
//! | `max_tasks` | `supervision::recycling::r19_after_its_number_of_jobs_a_worker_goes_when_its_replacement_is_ready` |
//! | an initializer that fails | `bad_input::programs::a_plugin_that_fails_to_load_is_named_with_its_reason` |
//! | an initializer that takes its process along | `bad_input::programs::a_plugin_that_exits_while_loading_is_told_by_code_and_stderr`, `restart::a_failed_load_is_treated_like_a_crash` |
//! | close: all futures are done; stop: not all are | `operations::shutdown::shutdown_lets_running_and_pending_jobs_finish_and_refuses_new_ones`, `operations::shutdown::at_its_deadline_shutdown_ends_what_is_left_as_interrupted` |
//! | join leaves no worker | `guarantees::leftovers::guarantee_8_after_shutdown_nothing_is_left` |
//! | join with a timeout | `guarantees::leftovers::guarantee_8_a_shutdown_ends_what_does_not_end` |
//! | 100 MB there and back | `streaming::results_and_requests_far_larger_than_a_socket_arrive_whole`, `large_payloads::held::parts_of_every_size_come_back_as_they_went` |
//! | an error in a callback | `operations::completed::a_panic_in_on_job_completed_changes_nothing` |
//! | a worker that dies under its task, or while it is idle | `guarantees::death::guarantee_3_a_worker_killed_from_outside_fails_only_its_job_with_the_signals_name`, `bad_input::dead_workers::an_idle_worker_that_is_killed_costs_no_job` |
//! | map: order, and an error in the middle | `operations::functions::many_specs_are_mapped_to_their_answers_in_order` |
//! | a worker that starts processes | `guarantees::cancel::guarantee_4_a_child_that_the_job_left_in_the_group_dies_with_it` |
//! | a worker that starts a pool | `neighbours::loky::loky_a_job_may_run_a_host_with_a_worker_of_its_own` |
//! | a worker that dies with the pool's lock | There is no lock that workers share: `supervision::pool::r9_a_worker_killed_at_any_step_leaves_the_pool_usable` |
//!
//! What does not apply: chunks of a map, and a timeout for each, as each job is sent alone and has its own; an error
//! that is returned and not raised, as a `Result` is one or the other; a join of a pool that is still open, as a shutdown
//! closes it.

use std::time::Duration;

use ostler::{FailureKind, JobStatus, RestartPolicy, WorkerConfig};
use ostler_tests::lab::Task;

use super::{look_until, sleeps, soon};
use crate::operations::{Calls, Hooked, PATIENCE};
use crate::support::{
    Gate, at_once, echo, failed, group, kill, lab, launch, says, scratch, signal, started, within,
};

/// Without shared memory, so that all of it goes through the socket.
fn by_socket() -> WorkerConfig {
    WorkerConfig { shared_memory_bytes: 0, ..at_once() }
}

/// Their worker held the lock of the pipe when it died, and every other one waited for it.
#[tokio::test]
async fn pebble_a_worker_that_dies_while_it_sends_its_result_hangs_nobody() {
    let manager = lab().config(by_socket()).launch().await.unwrap();
    let directory = scratch();
    let begins = directory.path().join("begins");
    let task = Task::Steps(vec![Task::Sign(begins.clone(), "begins".into()), Task::Answer(64 << 20)]);
    let job = manager.start_job("lab", task).await.unwrap();
    let next = manager.start_job("lab", echo("next")).await.unwrap();
    let pid = started(&job).await;
    // This thread drives the runtime: nobody reads now, and so much fits into no socket.
    look_until(|| begins.exists() && sleeps(pid));
    kill(pid);
    let failure = soon(failed(&job)).await;
    assert_eq!(failure.kind, FailureKind::Crashed, "{failure}");
    says(failure, &["SIGKILL"]);
    assert_eq!(soon(next.output()).await.unwrap(), "next");
    soon(manager.shutdown()).await.unwrap();
}

/// Their pool waited for ever for room in a pipe that nobody emptied.
#[tokio::test]
async fn pebble_large_requests_that_nobody_reads_hold_up_neither_a_cancel_nor_a_shutdown() {
    let manager = lab().config(by_socket()).launch().await.unwrap();
    let stopped = manager.workers()[0].pid.unwrap();
    signal(stopped, "STOP");
    let mut jobs = Vec::new();
    for _ in 0..3 {
        let request = manager.job("lab", Task::Attachments).attach("big", "x/y", vec![1; 32 << 20]);
        jobs.push(request.start().await.unwrap());
    }
    assert!(soon(jobs[0].cancel()).await.unwrap().is_cancelled());
    assert_eq!(group(stopped), [0; 0]);
    soon(manager.shutdown_within(Duration::ZERO)).await.unwrap();
    for job in &jobs[1..] {
        let record = soon(job.finished()).await;
        let interrupted = record.error.as_ref().is_some_and(|error| error.kind == FailureKind::Interrupted);
        assert!(record.status == JobStatus::Completed || interrupted, "{:?}", record.error);
    }
}

#[tokio::test]
async fn pebble_a_map_of_nothing_is_empty() {
    let manager = launch().await;
    assert_eq!(soon(manager.map("lab", [])).await.unwrap(), []);
    assert!(manager.get_all_jobs().is_empty());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn pebble_a_map_whose_pool_goes_down_ends_all_that_is_left_with_the_reason() {
    let config = WorkerConfig {
        restart_policy: RestartPolicy::Always,
        max_restart_attempts: 0,
        ..WorkerConfig::default()
    };
    let manager = lab().config(config).launch().await.unwrap();
    let tasks = [echo("before"), Task::Segfault, echo("behind"), echo("last")];
    let outputs = soon(manager.map("lab", tasks)).await.unwrap();
    assert_eq!(outputs.len(), 4);
    assert_eq!(outputs[0], Ok("before".to_owned()));
    let kind = |number: usize| outputs[number].as_ref().unwrap_err().failure().unwrap().kind;
    assert_eq!(kind(1), FailureKind::Crashed);
    for (number, output) in outputs.iter().enumerate().skip(2) {
        assert_ne!(kind(number), FailureKind::Crashed, "it never ran");
        says(output.as_ref().unwrap_err(), &["SIGSEGV"]);
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn pebble_the_jobs_of_a_map_that_is_given_up_go_on() {
    let manager = launch().await;
    let gate = Gate::new();
    tokio::select! {
        _ = manager.map("lab", [gate.task(), echo("second")]) => panic!("the gate is closed"),
        both = within(PATIENCE, || manager.get_all_jobs().len() == 2) => assert!(both),
    }
    gate.open();
    let done = || manager.get_all_jobs().iter().all(|job| job.status == JobStatus::Completed);
    assert!(within(PATIENCE, done).await, "{:?}", manager.get_all_jobs());
    manager.shutdown().await.unwrap();
}

/// A shutdown waits for the hooks, and so this one for itself: it must end all the same.
#[tokio::test]
async fn pebble_a_hook_that_shuts_its_own_manager_down_is_answered_at_the_deadline() {
    let calls = Calls::default();
    let note = calls.clone();
    let hooked = Hooked::new().completed(move |manager, _| {
        let note = note.clone();
        async move { note.note(format!("shut down: {}", manager.shutdown().await.is_ok())) }
    });
    let config = WorkerConfig { shutdown_timeout: Duration::from_millis(300), ..WorkerConfig::default() };
    let manager = hooked.builder().config(config).launch().await.unwrap();
    let worker = manager.workers()[0].pid.unwrap();
    manager.start_job("lab", echo("last")).await.unwrap().output().await.unwrap();
    assert_eq!(calls.reach(1).await, ["shut down: true"]);
    assert_eq!(group(worker), [0; 0]);
    soon(manager.shutdown()).await.unwrap();
}
