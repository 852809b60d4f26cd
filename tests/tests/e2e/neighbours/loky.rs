//! loky: crashes in every phase of a call, executors that are resized and nested.
//!
//! | scenario of theirs | shown by |
//! |---|---|
//! | a crash, an exit or an error in the function | `bad_input::dead_workers::a_segfault_is_a_crash_by_sigsegv`, `bad_input::dead_workers::an_exit_in_the_middle_of_a_job_is_a_crash_with_the_code`, `bad_input::plugin_errors::an_error_of_the_plugin_keeps_its_message_and_category_and_the_worker_lives_on` |
//! | an error while the result is unpickled in the parent | `neighbours::cpython_pools::cpython_a_result_that_panics_when_the_host_reads_it_costs_only_its_job` |
//! | a worker is killed while it is idle, and then a task comes | `bad_input::dead_workers::an_idle_worker_that_is_killed_costs_no_job`, `supervision::circuit::r13_a_job_that_is_handed_to_a_corpse_runs_elsewhere_unblamed` |
//! | shutdown that kills workers | `guarantees::leftovers::guarantee_8_a_shutdown_ends_what_does_not_end` |
//! | a parent that is killed leaves no worker | `guarantees::killed_host::guarantee_8_a_killed_host_with_an_idle_worker_leaves_nothing` |
//! | a worker whose memory leaks is replaced | `supervision::recycling::r19_a_worker_that_has_grown_is_replaced_and_one_that_was_large_from_the_start_is_not` |
//! | resize, larger and smaller, with tasks running | `supervision::pool::a_pool_can_be_made_larger_and_smaller_while_jobs_run_and_none_ends_because_of_it` |
//! | an invalid number of workers | `bad_input::invalid_config::a_value_out_of_bounds_names_field_and_bound_and_starts_nothing` |
//! | more workers than cores | `supervision::degraded::r12_with_room_for_five_of_ten_workers_all_jobs_run_and_the_others_come_when_there_is_room` |
//! | many threads submit at once | `neighbours::cpython_pools::cpython_many_threads_start_jobs_at_once_and_each_gets_its_own_answers` |
//! | a full queue | `bad_input::queue_full::a_full_queue_refuses_at_once_and_loses_nothing` |
//! | an initializer, and what it leaves to tasks | `operations::launch::what_is_wrong_with_a_plugin_shows_at_the_launch`, `seeds::base_manager::seed_003_plugin_resources_are_loaded_once_and_reused` |
//! | the tree of a worker's processes is killed | `guarantees::cancel::guarantee_4_a_child_that_forks_without_end_does_not_escape` |
//! | a crash is told with its place | `bad_input::dead_workers::an_abort_is_a_crash_by_sigabrt_with_the_last_words` |
//! | shared names that a killed process leaves | Memory that is shared has no name here: `large_payloads::held::what_is_held_outlives_later_jobs_and_its_worker` |
//!
//! What does not apply: workers that leave when they are idle for long, as a pool keeps its workers ready on purpose
//! (`supervision::recycling::r19_an_idle_worker_is_replaced_for_its_age` is the nearest); an executor that is found again by
//! all of a program, as a manager is passed on as a value; a limit of nesting, as what is nested ends with what it is in;
//! thread pools of C libraries after a fork, as nothing is forked.

use std::time::Duration;

use ostler::{
    Category, FailureKind, JobError, JobFailure, JobManager, JobStatus, StartError, WorkerCommand,
    WorkerConfig, WorkerPhase,
};
use ostler_tests::lab::{Breakage, Harm, Moment, Task};

use super::{PATIENCE, soon};
use crate::host::Host;
use crate::operations::{Calls, Hooked};
use crate::support::{
    Gate, any, at_once, echo, failed, group, kill, lab, runs, says, scratch, signal, started, within, workers,
};

async fn fragile() -> JobManager<Breakage> {
    let worker = WorkerCommand::program(env!("CARGO_BIN_EXE_fragile-worker"));
    any(worker).config(WorkerConfig { max_restart_attempts: 100, ..at_once() }).launch().await.unwrap()
}

/// How the job fails; the next one is not touched.
async fn breaks(manager: &JobManager<Breakage>, when: Moment, how: Harm) -> JobFailure {
    let job = manager.start_job("fragile", Breakage { when, how }).await.unwrap();
    let next = manager.start_job("fragile", Breakage { when: Moment::Never, how }).await.unwrap();
    let failure = soon(failed(&job)).await;
    assert_eq!(soon(next.output()).await.unwrap(), "whole", "{when:?} {how:?}");
    assert_eq!(next.finished().await.attempt, 1);
    let same = next.finished().await.worker_pid == job.finished().await.worker_pid;
    assert_eq!(same, matches!(how, Harm::Error | Harm::Panic), "{when:?} {how:?}");
    failure
}

/// In their queue the request was of no future any more, and the future waited.
#[tokio::test]
async fn loky_a_request_that_breaks_its_worker_while_it_is_read_costs_only_its_job() {
    let manager = fragile().await;
    let failure = breaks(&manager, Moment::Reading, Harm::Error).await;
    assert_eq!((failure.kind, failure.category), (FailureKind::Plugin, Category::Input));
    says(failure, &["cannot read the request", "it is broken"]);
    let failure = breaks(&manager, Moment::Reading, Harm::Panic).await;
    assert_eq!(failure.kind, FailureKind::Panicked);
    says(failure, &["lab/fragile.rs:", "it is broken"]);
    dies(&manager, Moment::Reading).await;
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn loky_a_result_that_breaks_its_worker_while_it_is_written_costs_only_its_job() {
    let manager = fragile().await;
    let failure = breaks(&manager, Moment::Writing, Harm::Error).await;
    assert_eq!(failure.kind, FailureKind::Plugin);
    says(failure, &["fragile", "it is broken"]);
    let failure = breaks(&manager, Moment::Writing, Harm::Panic).await;
    assert_eq!(failure.kind, FailureKind::Panicked);
    says(failure, &["lab/fragile.rs:", "it is broken"]);
    dies(&manager, Moment::Writing).await;
    manager.shutdown().await.unwrap();
}

async fn dies(manager: &JobManager<Breakage>, when: Moment) {
    for (how, parts) in [(Harm::Exit, "exited with code 4"), (Harm::Segfault, "SIGSEGV")] {
        let failure = breaks(manager, when, how).await;
        assert_eq!(failure.kind, FailureKind::Crashed, "{failure}");
        says(failure, &[parts, "while it ran this job"]);
    }
}

/// The host's own input may be a terminal, or a pipe that nobody closes.
#[tokio::test]
async fn loky_a_child_that_reads_its_input_finds_the_end_at_once() {
    let directory = scratch();
    let file = directory.path().join("read");
    let job = Task::Shell(format!("cat > {0}; echo end >> {0}", file.display()));
    let host = Host::start("job", &job);
    let has_read = || std::fs::read_to_string(&file).is_ok_and(|text| text == "end\n");
    assert!(within(PATIENCE, has_read).await, "it waits for input");
    // Its own input was open until here.
    drop(host);
}

#[tokio::test(flavor = "multi_thread")]
async fn loky_a_pool_that_is_resized_again_and_again_loses_no_job() {
    let manager = lab().config(at_once()).launch().await.unwrap();
    let mut jobs = Vec::new();
    for round in 0..24_u32 {
        manager.resize([1, 4, 2, 3][round as usize % 4], round % 2).unwrap();
        for _ in 0..5 {
            jobs.push(manager.start_job("lab", echo("here")).await.unwrap());
        }
        // Some sizes are reached before the next one is wished for, and some are not.
        if round % 3 == 0 {
            soon(jobs.last().unwrap().output()).await.unwrap();
        }
    }
    for job in &jobs {
        let record = soon(job.finished()).await;
        assert_eq!((record.status, record.attempt), (JobStatus::Completed, 1), "{record:?}");
    }
    manager.resize(2, 0).unwrap();
    assert!(within(PATIENCE, || idle(&manager) == 2 && manager.workers().len() == 2).await);
    manager.shutdown().await.unwrap();
}

fn idle(manager: &JobManager<Task>) -> usize {
    manager.workers().iter().filter(|worker| worker.phase == WorkerPhase::Idle).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn loky_workers_that_are_killed_right_after_a_resize_are_replaced_and_no_job_pays() {
    let config = WorkerConfig { max_restart_attempts: 1_000, max_start_attempts: 1_000, ..at_once() };
    let manager = lab().config(config).launch().await.unwrap();
    for round in 0..12 {
        manager.resize(if round % 2 == 0 { 4 } else { 1 }, 0).unwrap();
        for pid in manager.workers().iter().filter_map(|worker| worker.pid) {
            // It may be gone already.
            let _ = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).output();
        }
        let job = manager.start_job("lab", echo("here")).await.unwrap();
        assert_eq!(soon(job.output()).await.unwrap(), "here");
        assert_eq!(job.finished().await.attempt, 1);
    }
    manager.resize(3, 0).unwrap();
    assert!(within(PATIENCE, || idle(&manager) == 3 && manager.workers().len() == 3).await);
    manager.shutdown().await.unwrap();
}

/// Their children killed each other at the same moment, and whoever waited for one of them hung.
#[tokio::test(flavor = "multi_thread")]
async fn loky_jobs_that_kill_each_others_workers_all_end() {
    for at_once_killed in [2_u32, 4] {
        let config = WorkerConfig { max_workers: at_once_killed, max_restart_attempts: 100, ..at_once() };
        let manager = lab().config(config).launch().await.unwrap();
        assert!(within(PATIENCE, || idle(&manager) == at_once_killed as usize).await);
        let pids = manager.workers().iter().map(|worker| worker.pid.unwrap().to_string()).collect::<Vec<_>>();
        let gate = Gate::new();
        let kills = Task::Steps(vec![gate.task(), Task::Shell(format!("kill -KILL {}", pids.join(" ")))]);
        let mut jobs = Vec::new();
        for _ in 0..at_once_killed {
            let job = manager.start_job("lab", kills.clone()).await.unwrap();
            started(&job).await;
            jobs.push(job);
        }
        gate.open();
        for job in &jobs {
            assert_eq!(soon(failed(job)).await.kind, FailureKind::Crashed);
        }
        let next = manager.start_job("lab", echo("next")).await.unwrap();
        assert_eq!(soon(next.output()).await.unwrap(), "next");
        manager.shutdown().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn loky_what_is_started_while_a_shutdown_begins_runs_or_is_refused() {
    for _ in 0..5 {
        let config = WorkerConfig { shutdown_timeout: PATIENCE, ..workers(2) };
        let manager = lab().config(config).launch().await.unwrap();
        let starters: Vec<_> = (0..4).map(|_| tokio::spawn(start_until_refused(manager.clone()))).collect();
        assert!(within(PATIENCE, || manager.get_all_jobs().len() > 20).await);
        soon(manager.shutdown()).await.unwrap();
        for starter in starters {
            for job in soon(starter).await.unwrap() {
                let record = soon(job.finished()).await;
                assert_eq!(record.status, JobStatus::Completed, "{:?}", record.error);
            }
        }
    }
}

async fn start_until_refused(manager: JobManager<Task>) -> Vec<ostler::JobHandle<Task>> {
    let mut jobs = Vec::new();
    loop {
        match manager.start_job("lab", echo("runs")).await {
            Ok(job) => jobs.push(job),
            Err(StartError::ShutDown) => return jobs,
            Err(error) => panic!("{error}"),
        }
        // So that no more wait than can run in time.
        if jobs.len() % 4 == 0 {
            jobs[jobs.len() - 1].finished().await;
        }
    }
}

#[tokio::test]
async fn loky_a_hook_may_start_a_job_that_crashes() {
    let calls = Calls::default();
    let note = calls.clone();
    let hooked = Hooked::new().completed(move |manager, job| {
        let note = note.clone();
        async move {
            // Not after what it starts itself.
            if job.result.as_deref() == Some("first") {
                let follower = manager.start_job("lab", Task::Segfault).await.unwrap();
                let error = follower.output().await.unwrap_err();
                note.note(format!("{:?}", error.failure().unwrap().kind));
            }
        }
    });
    let manager = hooked.builder().config(at_once()).launch().await.unwrap();
    manager.start_job("lab", echo("first")).await.unwrap().output().await.unwrap();
    assert_eq!(calls.reach(1).await, ["Crashed"]);
    let next = manager.start_job("lab", echo("next")).await.unwrap();
    assert_eq!(soon(next.output()).await.unwrap(), "next");
    soon(manager.shutdown()).await.unwrap();
}

/// A host in a worker, which says in this file what it has to say.
fn nested(scenario: &str, task: &Task, file: &std::path::Path) -> Task {
    let task = serde_json::to_string(task).unwrap();
    let host = env!("CARGO_BIN_EXE_lab-host");
    // Hosts of other tests would end what it leaves.
    let records = file.with_file_name("");
    Task::Shell(format!(
        "XDG_RUNTIME_DIR={} {host} {scenario} '{task}' > {}",
        records.display(),
        file.display()
    ))
}

/// What its process inherits of the worker must not make a worker of it.
#[tokio::test]
async fn loky_a_job_may_run_a_host_with_a_worker_of_its_own() {
    let manager = lab().launch().await.unwrap();
    let directory = scratch();
    let file = directory.path().join("said");
    let job = manager.start_job("lab", nested("done", &echo("hello"), &file)).await.unwrap();
    soon(job.output()).await.unwrap();
    says(std::fs::read_to_string(file).unwrap(), &["completed None"]);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn loky_a_cancel_takes_the_workers_of_a_nested_host_along() {
    for by_a_kill in [false, true] {
        let manager = lab().config(at_once()).launch().await.unwrap();
        let directory = scratch();
        let file = directory.path().join("said");
        let hangs = Task::Hang(directory.path().join("hang"));
        let job = manager.start_job("lab", nested("job", &hangs, &file)).await.unwrap();
        let outer = started(&job).await;
        let said = || std::fs::read_to_string(&file).unwrap_or_default();
        assert!(within(PATIENCE, || said().ends_with('\n')).await);
        let inner: u32 = said().trim().parse().unwrap();
        assert!(runs(inner) && inner != outer);
        if by_a_kill {
            kill(outer);
            assert!(matches!(soon(job.output()).await, Err(JobError::Failed(_))));
        } else {
            assert!(soon(job.cancel()).await.unwrap().is_cancelled());
        }
        assert_eq!(group(outer), [0; 0]);
        assert!(within(PATIENCE, || group(inner).is_empty()).await);
        manager.shutdown().await.unwrap();
    }
}

/// It is asked to end, and does not hear it.
#[tokio::test]
async fn loky_a_stopped_worker_that_is_not_needed_any_more_is_ended() {
    let config = WorkerConfig { shutdown_timeout: Duration::from_millis(300), ..workers(2) };
    let manager = lab().config(config).launch().await.unwrap();
    assert!(within(PATIENCE, || idle(&manager) == 2).await);
    let pids: Vec<_> = manager.workers().iter().map(|worker| worker.pid.unwrap()).collect();
    pids.iter().for_each(|pid| signal(*pid, "STOP"));
    manager.resize(1, 0).unwrap();
    let left = || pids.iter().filter(|pid| !group(**pid).is_empty()).count();
    assert!(
        within(PATIENCE, || left() == 1 && manager.workers().len() == 1).await,
        "{:?}",
        manager.workers()
    );
    soon(manager.shutdown()).await.unwrap();
    assert_eq!(left(), 0);
}
