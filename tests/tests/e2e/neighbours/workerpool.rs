//! workerpool, for Node: cancels and timeouts in every phase, workers that crash at their start, what a worker says.
//!
//! | scenario of theirs | shown by |
//! |---|---|
//! | offload to one worker, to several; tasks wait when all are busy | `operations::start::a_job_runs_in_a_worker_and_its_output_comes_back`, `guarantees::order::guarantee_6_several_workers_take_jobs_in_order` |
//! | errors, custom errors and rejected promises of a worker | `bad_input::plugin_errors::an_error_of_the_plugin_keeps_its_message_and_category_and_the_worker_lives_on` |
//! | cancel of a task that runs, or waits; those behind it run | `operations::cancel::cancel_job_is_true_when_the_worker_is_dead_and_the_next_job_runs_in_another`, `operations::cancel::a_pending_job_is_cancelled_without_a_kill`, `seeds::faults::seed_fault_a_cancel_keeps_the_queue_behind_it_however_long` |
//! | a worker whose task was cancelled gets no other one | `guarantees::cancel::guarantee_4_a_cancel_hits_only_the_job_that_it_is_meant_for`, `supervision::cancel::r1_a_cancel_that_crosses_the_end_of_its_job_never_hits_the_next_one` |
//! | a timeout, which begins when the task is taken | `operations::request::a_job_that_runs_longer_than_its_timeout_is_killed_and_the_next_runs`, `operations::request::a_timeout_counts_from_the_start_and_not_from_the_queue` |
//! | a worker that crashes with a task | `bad_input::dead_workers::an_exit_in_the_middle_of_a_job_is_a_crash_with_the_code` |
//! | a worker that crashes at its start | `rogue::start::one_that_exits_before_hello_is_told_by_its_code_and_its_stderr` |
//! | numbers of workers that make no sense | `bad_input::invalid_config::a_value_out_of_bounds_names_field_and_bound_and_starts_nothing` |
//! | a queue that is full | `bad_input::queue_full::a_full_queue_refuses_at_once_and_loses_nothing` |
//! | a queue by priority, or of one's own | `guarantees::order::guarantee_6_a_higher_priority_goes_first_and_keeps_its_own_order` |
//! | terminate waits for what runs, or ends it by force | `operations::shutdown::shutdown_lets_running_and_pending_jobs_finish_and_refuses_new_ones`, `operations::shutdown::at_its_deadline_shutdown_ends_what_is_left_as_interrupted` |
//! | terminate waits until the processes have ended | `guarantees::leftovers::guarantee_8_after_shutdown_nothing_is_left` |
//! | statistics | `operations::queue::jobs_are_counted_where_they_stand` |
//! | events of a worker, in order and before the result | `streaming::what_a_job_says_arrives_in_order_and_before_its_end`, `operations::functions::progress_carries_data_for_programs` |
//! | stdout and stderr are captured | `operations::output::r31_what_a_job_prints_is_its_own` |
//! | data that is transferred, and not copied, both ways | `large_payloads::held::what_is_written_in_place_is_not_copied` |
//! | an abort listener tidies up, and is not waited for too long | `operations::cancel::within_the_grace_a_job_may_tidy_up_and_is_cancelled_then`, `operations::cancel::after_the_grace_a_job_that_does_not_listen_is_killed` |
//! | a message that comes after a worker was told to stop | `rogue::jobs::a_worker_that_answers_after_it_was_told_to_stop_changes_nothing` |
//! | a worker leaves when its master is killed | `guarantees::killed_host::guarantee_8_a_killed_host_with_an_idle_worker_leaves_nothing` |
//! | options that are not known are refused | `a_misspelled_setting_is_named` in `crates/ostler/src/config.rs` |
//!
//! What does not apply: threads as workers, proxies and functions as text, as plugins are compiled; a queue that serves the
//! last one first; a worker that lives on after a cancel or a timeout, as a kill is the proof; a least number of workers, as
//! all are started at the launch.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ostler::{
    CancelRequest, FailureKind, Health, JobEventKind, JobManager, JobStatus, Recycling, WorkerCommand,
    WorkerConfig, WorkerPhase,
};
use ostler_tests::lab::Task;
use serde_json::json;

use super::{PATIENCE, soon};
use crate::support::{
    Gate, Roll, any, at_once, config, echo, failed, group, lab, says, scratch, started, within,
};

/// Theirs went on to run the task, or never started another.
#[tokio::test]
async fn workerpool_a_job_that_is_cancelled_while_its_worker_starts_runs_nowhere_and_the_worker_is_used() {
    let (roll, gate, directory) = (Roll::new(), Gate::new(), scratch());
    let loads = config(json!({ "gate": gate.path() }));
    let manager = roll.lab().config(at_once()).plugin_config("lab", loads).lazy().launch().await.unwrap();
    let ran = directory.path().join("ran");
    let job = manager.start_job("lab", Task::Sign(ran.clone(), "ran".into())).await.unwrap();
    let loading = || manager.workers().iter().any(|worker| worker.phase == WorkerPhase::Loading);
    assert!(within(PATIENCE, loading).await);
    assert!(soon(job.cancel()).await.unwrap().is_cancelled());
    assert_eq!(job.finished().await.worker_pid, None);
    gate.open();
    let next = manager.start_job("lab", Task::Pid).await.unwrap();
    assert_eq!(soon(next.output()).await.unwrap(), roll.pids()[0].to_string());
    assert_eq!(roll.pids().len(), 1, "one was enough");
    assert!(!ran.exists());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn workerpool_a_shutdown_while_the_worker_starts_waits_for_no_load() {
    let roll = Roll::new();
    let loads = config(json!({ "load": "hang" }));
    let manager = roll.lab().config(at_once()).plugin_config("lab", loads).lazy().launch().await.unwrap();
    let job = manager.start_job("lab", echo("never")).await.unwrap();
    let loading = || manager.workers().iter().any(|worker| worker.phase == WorkerPhase::Loading);
    assert!(within(PATIENCE, loading).await);
    soon(manager.shutdown_within(Duration::from_millis(100))).await.unwrap();
    assert_eq!(failed(&job).await.kind, FailureKind::Interrupted);
    assert_eq!(group(roll.pids()[0]), [0; 0]);
    assert_eq!(roll.pids().len(), 1, "no other one was started in its place");
}

#[tokio::test]
async fn workerpool_what_a_job_says_while_it_tidies_up_is_kept() {
    let manager = lab().config(at_once()).launch().await.unwrap();
    let tidies = Task::Steps(vec![Task::TidyUp, Task::Print("swept the floor\n".into()), Task::Progress(1)]);
    let job = manager.start_job("lab", tidies).await.unwrap();
    started(&job).await;
    let request = CancelRequest::new().grace(PATIENCE);
    assert!(soon(job.cancel_with(request)).await.unwrap().is_cancelled());
    let (mut events, mut said) = (job.events(), Vec::new());
    while let Some(event) = events.next().await {
        match event.unwrap().kind {
            JobEventKind::Output { text, .. } => said.push(text),
            kind => said.push(kind.name().to_owned()),
        }
    }
    let at = |what: &str| said.iter().position(|said| said == what);
    let (asked, swept, told, ended) =
        (at("cancelling"), at("swept the floor"), at("progress"), at("cancelled"));
    assert!(asked.is_some() && asked < swept && asked < told && swept < ended && told < ended, "{said:?}");
    assert_eq!(job.status(), JobStatus::Cancelled);
    manager.shutdown().await.unwrap();
}

/// A worker that is told to stop drops its plugins, and is waited for.
#[tokio::test]
async fn workerpool_a_plugin_may_say_farewell_at_a_shutdown_and_at_an_unload() {
    let worker = || WorkerCommand::program(env!("CARGO_BIN_EXE_polite-worker"));
    let directory = scratch();
    for unload in [true, false] {
        let file = directory.path().join(format!("farewell {unload}"));
        let farewell = config(json!({ "file": file }));
        let manager = any::<Task>(worker()).plugin_config("farewell", farewell).launch().await.unwrap();
        let job = manager.start_job("farewell", echo("hello")).await.unwrap();
        assert_eq!(soon(job.output()).await.unwrap(), "hello");
        assert!(!file.exists());
        if unload {
            soon(manager.unload_plugin("farewell")).await.unwrap();
            assert!(file.exists(), "it is unloaded when that is said");
        }
        soon(manager.shutdown()).await.unwrap();
        assert!(file.exists());
    }
}

/// One that fails at first is no reason to fail the job for which it was made.
#[tokio::test]
async fn workerpool_a_worker_that_fails_to_start_once_costs_its_job_nothing() {
    let directory = scratch();
    let script = format!(
        "mkdir {}/first 2> /dev/null && exit 3; exec {}",
        directory.path().display(),
        crate::support::LAB_WORKER
    );
    let worker = WorkerCommand::program("/bin/sh").arg("-c").arg(script);
    let config = WorkerConfig { max_start_attempts: 1, ..at_once() };
    let manager = any::<Task>(worker).config(config).lazy().launch().await.unwrap();
    let job = manager.start_job("lab", echo("here")).await.unwrap();
    assert_eq!(soon(job.output()).await.unwrap(), "here");
    let record = job.finished().await;
    assert_eq!((record.attempt, record.past_failures.len()), (1, 0));
    manager.shutdown().await.unwrap();
}

async fn launch_polite(end: &str, workers: u32, directory: &std::path::Path) -> JobManager<Task> {
    launch_recycled(end, workers, Recycling::default(), directory).await
}

async fn launch_recycled(
    end: &str,
    workers: u32,
    recycling: Recycling,
    directory: &std::path::Path,
) -> JobManager<Task> {
    let farewell = config(json!({ "file": directory.join("farewell"), "end": end }));
    let config = WorkerConfig {
        max_workers: workers,
        shutdown_timeout: Duration::from_millis(300),
        kill_timeout: Duration::from_secs(2),
        recycling,
        max_restart_attempts: 0,
        max_start_attempts: 0,
        ..at_once()
    };
    let worker = WorkerCommand::program(env!("CARGO_BIN_EXE_polite-worker"));
    let builder = any::<Task>(worker).config(config).plugin_config("farewell", farewell);
    let manager = builder.launch().await.unwrap();
    let idle = || manager.workers().iter().filter(|worker| worker.phase == WorkerPhase::Idle).count();
    assert!(within(PATIENCE, || idle() == workers as usize).await);
    manager
}

/// "should not call worker termination async handler after timeout".
#[tokio::test]
async fn workerpool_a_farewell_that_never_ends_holds_up_neither_a_smaller_pool_nor_a_shutdown() {
    let directory = scratch();
    let manager = launch_polite("hang", 2, directory.path()).await;
    let pids: Vec<_> = manager.workers().iter().map(|worker| worker.pid.unwrap()).collect();
    manager.resize(1, 0).unwrap();
    let one_is_left = || pids.iter().filter(|pid| !group(**pid).is_empty()).count() == 1;
    assert!(
        within(PATIENCE, || manager.workers().len() == 1 && one_is_left()).await,
        "{:?}",
        manager.workers()
    );
    let job = manager.start_job("farewell", echo("on")).await.unwrap();
    assert_eq!(soon(job.output()).await.unwrap(), "on");
    soon(manager.shutdown()).await.unwrap();
    assert!(pids.iter().all(|pid| group(*pid).is_empty()));
}

#[tokio::test]
async fn workerpool_a_farewell_that_panics_is_told_by_an_unload_and_ends_no_worker() {
    let directory = scratch();
    let manager = launch_polite("panic", 1, directory.path()).await;
    let pid = manager.workers()[0].pid;
    says(soon(manager.unload_plugin("farewell")).await.unwrap_err(), &["it does not want to go"]);
    let job = manager.start_job("farewell", echo("on")).await.unwrap();
    assert_eq!(soon(job.output()).await.unwrap(), "on");
    assert_eq!(job.finished().await.worker_pid, pid);
    soon(manager.shutdown()).await.unwrap();
    assert_eq!(group(pid.unwrap()), [0; 0]);
}

/// The shutdown has a deadline, whatever grace the cancel was given.
#[tokio::test]
async fn workerpool_a_cancel_with_a_long_grace_and_a_shutdown_both_end() {
    let config = WorkerConfig { cancel_grace: Duration::from_secs(3600), ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    let job = manager.start_job("lab", Task::IgnoreCancel).await.unwrap();
    let pid = started(&job).await;
    let (cancelled, shut_down) =
        soon(async { tokio::join!(job.cancel(), manager.shutdown_within(Duration::from_millis(200))) }).await;
    shut_down.unwrap();
    let cancelled = cancelled.unwrap().is_cancelled();
    assert_eq!(cancelled, job.status() == JobStatus::Cancelled, "{}", job.status());
    assert!(job.status().is_terminal());
    assert_eq!(group(pid), [0; 0]);
}

/// Native libraries crash at their end. It was asked for, so it is no crash that counts.
#[tokio::test]
async fn workerpool_farewells_that_crash_or_hang_at_a_recycling_cost_no_restart_and_no_job() {
    for end in ["segfault", "panic", "hang"] {
        let directory = scratch();
        let recycling = Recycling { after_jobs: Some(1), ..Recycling::default() };
        let manager = launch_recycled(end, 1, recycling, directory.path()).await;
        let mut pids = BTreeSet::new();
        let deadline = Instant::now() + PATIENCE;
        while pids.len() < 5 {
            assert!(Instant::now() < deadline, "{end}: nobody is recycled any more, {}", manager.health());
            let job = manager.start_job("farewell", echo("on")).await.unwrap();
            assert_eq!(soon(job.output()).await.unwrap(), "on");
            let record = job.finished().await;
            assert_eq!(record.attempt, 1);
            pids.insert(record.worker_pid.unwrap());
        }
        assert_eq!(manager.health(), Health::Healthy, "{end}");
        let are_gone = || pids.iter().filter(|pid| !group(**pid).is_empty()).count() <= 1;
        assert!(within(PATIENCE, are_gone).await, "{end}: {:?}", manager.workers());
        soon(manager.shutdown()).await.unwrap();
        assert!(pids.iter().all(|pid| group(*pid).is_empty()));
    }
}
