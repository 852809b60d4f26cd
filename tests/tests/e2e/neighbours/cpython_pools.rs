//! CPython's `ProcessPoolExecutor` and `multiprocessing.Pool`.
//!
//! | scenario of theirs | shown by |
//! |---|---|
//! | a child is killed: the pool does not hang | `guarantees::death::guarantee_3_a_worker_killed_from_outside_fails_only_its_job_with_the_signals_name`, `guarantees::budget::guarantee_7_pending_jobs_do_not_wait_for_ever_for_a_pool_that_is_down` |
//! | submit after shutdown | `operations::shutdown::shutdown_lets_running_and_pending_jobs_finish_and_refuses_new_ones` |
//! | shutdown without waiting | `operations::shutdown::a_shutdown_that_nobody_waits_for_goes_on` |
//! | shutdown with `cancel_futures` | `operations::deep_queue::whoever_cancels_all_lets_none_begin_in_between` |
//! | an executor that is dropped | `operations::shutdown::the_drop_of_the_last_clone_ends_everything_within_a_second` |
//! | cancel of a future that waits, runs or is done | `operations::cancel::a_pending_job_is_cancelled_without_a_kill`, `operations::cancel::cancel_job_is_false_for_an_unknown_and_for_an_ended_job` |
//! | results of hundreds of megabytes | `streaming::results_and_requests_far_larger_than_a_socket_arrive_whole`, `bad_input::requests::an_oversized_response_or_chunk_costs_its_job_and_not_its_worker` |
//! | errors and deaths while a request is pickled, in the host | `bad_input::undecodable::a_value_that_json_cannot_encode_is_refused_with_the_reason`, `operations::host_code::a_panic_on_the_way_in_is_an_error_that_names_the_hook` |
//! | errors and deaths while a request is unpickled, or a result pickled, in the child | `neighbours::loky::loky_a_request_that_breaks_its_worker_while_it_is_read_costs_only_its_job`, `neighbours::loky::loky_a_result_that_breaks_its_worker_while_it_is_written_costs_only_its_job` |
//! | a result that cannot be unpickled | `operations::whole_trait::a_response_that_the_host_cannot_use_fails_the_job_and_nothing_else` |
//! | a callback that raises | `operations::completed::a_panic_in_on_job_completed_changes_nothing`, `operations::ended::a_panic_in_a_hook_for_an_ended_job_changes_nothing` |
//! | a callback that submits | `operations::completed::on_job_completed_may_use_the_manager` |
//! | map: order, and an exception in the middle | `operations::functions::many_specs_are_mapped_to_their_answers_in_order` |
//! | `as_completed`, `wait` | `operations::functions::jobs_are_told_as_they_complete` |
//! | an initializer that fails breaks the pool | `guarantees::budget::guarantee_7_failing_loads_spend_the_budget_and_no_more` |
//! | a traceback of the child | `bad_input::plugin_errors::a_panic_is_told_with_its_place_and_the_plugin_is_loaded_afresh` |
//! | `max_tasks_per_child` | `supervision::recycling::r19_after_its_number_of_jobs_a_worker_goes_when_its_replacement_is_ready` |
//! | `terminate_workers`, `kill_workers`, `Pool.terminate` with tasks | `guarantees::leftovers::guarantee_8_a_shutdown_ends_what_does_not_end`, `operations::deep_queue::all_jobs_of_a_manager_that_is_dropped_end` |
//! | many tasks are submitted faster than the pipe is read | `operations::deep_queue::whoever_lists_many_jobs_does_not_hold_up_those_who_start_and_cancel` |
//! | the interpreter is killed | `guarantees::killed_host::guarantee_8_a_killed_host_with_a_spinning_job_leaves_nothing` |
//! | a fork of the parent while the pool lives | `supervision::odd_hosts::a_launch_in_a_forked_host_is_refused_and_harms_nobody` |
//! | `sys.exit` in a task | `bad_input::dead_workers::an_exit_in_the_middle_of_a_job_is_a_crash_with_the_code` |
//!
//! What does not apply: references that keep results alive, as Rust drops what nobody holds; a choice of fork, spawn and
//! forkserver, as a worker is always a fresh program; functions that only the main module knows, as none is sent; exceptions
//! whose class cannot be rebuilt, as a failure is data.

use std::time::Duration;

use ostler::{FailureKind, JobError, JobStatus, JobType, Recycling, RetryPolicy, WorkerConfig, as_completed};
use ostler_tests::lab::Task;
use serde::{Deserialize, Deserializer, Serialize};

use super::{PATIENCE, soon};
use crate::operations::{Calls, Hooked};
use crate::support::{
    Gate, any, at_once, echo, failed, group, kill, lab, lab_worker, launch, runs, says, scratch, started,
    within, workers,
};

/// Their workers left after their last task, nobody replaced them, and the shutdown waited for the rest of the tasks.
#[tokio::test(flavor = "multi_thread")]
async fn cpython_a_shutdown_in_the_middle_of_recycling_runs_every_job() {
    for round in 0..5 {
        let config = WorkerConfig {
            max_workers: 3,
            recycling: Recycling { after_jobs: Some(1), ..Recycling::default() },
            shutdown_timeout: PATIENCE,
            ..at_once()
        };
        let manager = lab().config(config).launch().await.unwrap();
        let mut jobs = Vec::new();
        for _ in 0..20 {
            jobs.push(manager.start_job("lab", echo("runs")).await.unwrap());
        }
        soon(manager.shutdown()).await.unwrap();
        for job in &jobs {
            let record = job.finished().await;
            assert_eq!(
                (record.status, record.attempt),
                (JobStatus::Completed, 1),
                "round {round}: {record:?}"
            );
        }
    }
}

/// Their queue was full of what the dead worker would have read, and who had to clear it waited for room.
#[tokio::test]
async fn cpython_a_crash_in_front_of_large_requests_hangs_nobody() {
    let config = WorkerConfig { shared_memory_bytes: 0, ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    let gate = Gate::new();
    let crashes = manager.start_job("lab", Task::Steps(vec![gate.task(), Task::Segfault])).await.unwrap();
    started(&crashes).await;
    let bytes = vec![7_u8; 8 << 20];
    let mut large = Vec::new();
    for _ in 0..6 {
        let request = manager.job("lab", Task::Attachments).attach("big", "x/y", bytes.clone());
        large.push(request.start().await.unwrap());
    }
    gate.open();
    assert_eq!(soon(failed(&crashes)).await.kind, FailureKind::Crashed);
    for job in &large {
        let record = soon(job.finished()).await;
        assert_eq!(record.attempt, 1);
        assert!(record.attachment("big").unwrap().bytes == bytes, "{:?}", record.error);
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn cpython_a_shutdown_right_after_a_worker_was_killed_ends() {
    let directory = scratch();
    for round in 0..8 {
        let manager =
            lab().config(WorkerConfig { shutdown_timeout: PATIENCE, ..at_once() }).launch().await.unwrap();
        let hangs = Task::Hang(directory.path().join(round.to_string()));
        let job = manager.start_job("lab", hangs).await.unwrap();
        let waits = manager.start_job("lab", echo("waits")).await.unwrap();
        let pid = started(&job).await;
        kill(pid);
        soon(manager.shutdown()).await.unwrap();
        assert_eq!(failed(&job).await.kind, FailureKind::Crashed, "nobody else ended it");
        assert_eq!(waits.output().await.unwrap(), "waits", "a shutdown lets it run");
        assert_eq!(group(pid), [0; 0]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cpython_many_threads_start_jobs_at_once_and_each_gets_its_own_answers() {
    let manager = lab().config(workers(2)).launch().await.unwrap();
    let runtime = tokio::runtime::Handle::current();
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let (manager, runtime) = (manager.clone(), runtime.clone());
            std::thread::spawn(move || {
                runtime.block_on(async {
                    let mut jobs = Vec::new();
                    for number in 0..50 {
                        let text = format!("{thread} {number}");
                        jobs.push((manager.start_job("lab", echo(&text)).await.unwrap(), text));
                    }
                    for (job, text) in jobs {
                        assert_eq!(soon(job.output()).await.unwrap(), text);
                    }
                });
            })
        })
        .collect();
    assert!(within(PATIENCE, || threads.iter().all(std::thread::JoinHandle::is_finished)).await);
    for thread in threads {
        thread.join().unwrap();
    }
    manager.shutdown().await.unwrap();
}

/// It neither shuts its manager down nor drops it.
#[tokio::test]
async fn cpython_a_host_that_exits_with_work_pending_leaves_no_worker() {
    let mut host = crate::host::Host::start("exits", &Task::Spin);
    let status = host.process.wait().unwrap();
    assert_eq!(status.code(), Some(7));
    assert!(within(PATIENCE, || group(host.worker).is_empty()).await);
}

#[tokio::test]
async fn cpython_who_reads_no_further_of_jobs_as_they_complete_leaves_the_others_running() {
    let manager = launch().await;
    let gate = Gate::new();
    let mut jobs = Vec::new();
    for task in [echo("first"), gate.task(), echo("third")] {
        jobs.push(manager.start_job("lab", task).await.unwrap());
    }
    let mut ended = as_completed(jobs.clone());
    assert_eq!(soon(ended.next()).await.unwrap().output().await.unwrap(), "first");
    drop(ended);
    gate.open();
    for (job, text) in jobs[1..].iter().zip(["open", "third"]) {
        assert_eq!(soon(job.output()).await.unwrap(), text);
    }
    manager.shutdown().await.unwrap();
}

/// Whoever reads it panics.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Poison(String);

impl<'de> Deserialize<'de> for Poison {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        assert_ne!(text, "poison", "it is poisonous");
        Ok(Self(text))
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Taste(Task);

impl JobType for Taste {
    type Output = Poison;
}

#[tokio::test]
async fn cpython_a_result_that_panics_when_the_host_reads_it_costs_only_its_job() {
    let manager = any::<Taste>(lab_worker()).launch().await.unwrap();
    let job = manager.start_job("lab", Taste(echo("poison"))).await.unwrap();
    says(soon(failed(&job)).await, &["it is poisonous"]);
    let next = manager.start_job("lab", Taste(echo("bread"))).await.unwrap();
    assert_eq!(soon(next.output()).await.unwrap(), Poison("bread".to_owned()));
    assert_eq!(
        next.finished().await.worker_pid,
        job.finished().await.worker_pid,
        "its worker did nothing wrong"
    );
    manager.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn cpython_jobs_that_hang_among_many_take_only_their_own_time() {
    let manager = lab().config(WorkerConfig { max_workers: 3, ..at_once() }).launch().await.unwrap();
    // It runs beside all of them.
    let gate = Gate::new();
    let beside = manager.start_job("lab", gate.task()).await.unwrap();
    started(&beside).await;
    let mut jobs = Vec::new();
    for number in 0..40 {
        let hangs = number % 8 == 3;
        let task = if hangs { Task::Spin } else { echo(&number.to_string()) };
        let request = manager.job("lab", task);
        let request = if hangs { request.timeout(Duration::from_millis(100)) } else { request };
        jobs.push((number, hangs, request.retry(RetryPolicy::default()).start().await.unwrap()));
    }
    for (number, hangs, job) in jobs {
        match soon(job.output()).await {
            Ok(text) => assert!(!hangs && text == number.to_string(), "{text}"),
            Err(JobError::Failed(failure)) => {
                assert!(hangs && failure.kind == FailureKind::TimedOut, "{failure}")
            }
            Err(error) => panic!("{error}"),
        }
        let worker = job.finished().await.worker_pid.unwrap();
        assert!(!hangs || !runs(worker));
    }
    gate.open();
    assert_eq!(soon(beside.output()).await.unwrap(), "open");
    manager.shutdown().await.unwrap();
}

/// Their callback waited for a pool that waited for the callback.
#[tokio::test]
async fn cpython_a_hook_that_starts_a_job_during_a_shutdown_is_refused_and_holds_nothing_up() {
    let (calls, gate) = (Calls::default(), Gate::new());
    let note = calls.clone();
    let hooked = Hooked::new().completed(move |manager, _| {
        let note = note.clone();
        async move {
            match manager.start_job("lab", echo("late")).await {
                Ok(_) => note.note("accepted"),
                Err(error) => note.note(error.to_string()),
            }
        }
    });
    let config = WorkerConfig { shutdown_timeout: PATIENCE, ..WorkerConfig::default() };
    let manager = hooked.builder().config(config).launch().await.unwrap();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    started(&job).await;
    let closing = manager.clone();
    let shutdown = tokio::spawn(async move { closing.shutdown().await });
    tokio::task::yield_now().await;
    gate.open();
    soon(shutdown).await.unwrap().unwrap();
    assert_eq!(calls.all(), [ostler::StartError::ShutDown.to_string()]);
}
