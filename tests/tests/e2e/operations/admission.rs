//! `validate_resources` when the turn of a waiting job comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ostler::{Admission, BlockReason, Category, FailureKind, JobError, JobStatus, WorkerPhase};
use ostler_tests::lab::Task;
use serde_json::json;
use tokio::sync::{Notify, Semaphore};

use super::{Calls, Hooked, PATIENCE};
use crate::support::{Gate, config, echo, runs, started};

fn wait() -> Admission {
    Admission::Wait { reason: "the model is in use".to_owned() }
}

#[tokio::test]
async fn a_job_that_waits_lets_later_ones_pass_and_runs_when_something_was_freed() {
    let is_free = Arc::new(AtomicBool::new(false));
    let free = Arc::clone(&is_free);
    let hook = move |plugin: &ostler::PluginId| *plugin == "other" && !free.load(Ordering::Relaxed);
    let manager = Hooked::new()
        .admission(move |plugin, _, _| if hook(plugin) { wait() } else { Admission::Proceed })
        .start()
        .await;

    let gate = Gate::new();
    let waiting = manager.start_job("other", gate.task()).await.unwrap();
    let record = manager.get_job(waiting.id()).unwrap();
    let reason = BlockReason::Resources { reason: "the model is in use".to_owned() };
    assert_eq!((record.status, record.block_reason.clone()), (JobStatus::Pending, Some(reason)));
    assert_eq!(manager.start_job("lab", echo("passed")).await.unwrap().output().await.unwrap(), "passed");
    assert_eq!(waiting.status(), JobStatus::Pending, "the end of another job did not free what it needs");

    is_free.store(true, Ordering::Relaxed);
    manager.start_job("lab", echo("")).await.unwrap().output().await.unwrap();
    assert_eq!(manager.workers()[0].job, Some(waiting.id()), "it is asked again at once");
    gate.open();
    assert_eq!(waiting.output().await.unwrap(), "open");
    assert_eq!(waiting.finished().await.block_reason, None);
    let mut events = waiting.events();
    for expected in ["queued", "blocked", "started", "completed"] {
        assert_eq!(events.next().await.unwrap().unwrap().kind.name(), expected);
    }
    assert!(events.next().await.is_none(), "the same reason is told once");
}

#[tokio::test]
async fn a_job_that_waits_for_somebody_elses_resource_is_asked_again_in_time() {
    let is_free = Arc::new(AtomicBool::new(false));
    let free = Arc::clone(&is_free);
    let answer = move |free: bool| if free { Admission::Proceed } else { wait() };
    let manager = Hooked::new().admission(move |_, _, _| answer(free.load(Ordering::Relaxed))).start().await;
    let waiting = manager.start_job("lab", echo("at last")).await.unwrap();
    is_free.store(true, Ordering::Relaxed);
    assert_eq!(waiting.output().await.unwrap(), "at last");
}

#[tokio::test]
async fn only_a_job_that_had_to_wait_is_asked_about_again() {
    let asked = Calls::default();
    let note = asked.clone();
    let manager = Hooked::new()
        .admission(move |plugin, _, _| {
            note.note(plugin.as_str());
            Admission::Proceed
        })
        .start()
        .await;
    let gate = Gate::new();
    let first = manager.start_job("lab", gate.task()).await.unwrap();
    started(&first).await;
    assert_eq!(asked.all(), ["lab"], "it found an idle worker");
    let second = manager.start_job("other", echo("")).await.unwrap();
    assert_eq!(asked.all(), ["lab", "other"]);
    gate.open();
    second.output().await.unwrap();
    assert_eq!(asked.all(), ["lab", "other", "other"], "once before its job was accepted, once at its turn");
}

#[tokio::test]
async fn a_refusal_at_its_turn_fails_the_job_as_refused_and_the_next_one_runs() {
    let refuses = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&refuses);
    let manager = Hooked::new()
        .admission(move |plugin, _, _| match plugin.as_str() {
            "other" if flag.load(Ordering::Relaxed) => Admission::Refuse { reason: "no licence".to_owned() },
            _ => Admission::Proceed,
        })
        .start()
        .await;
    let gate = Gate::new();
    let pid = started(&manager.start_job("lab", gate.task()).await.unwrap()).await;
    let refused = manager.start_job("other", echo("")).await.unwrap();
    let next = manager.start_job("lab", Task::Pid).await.unwrap();
    refuses.store(true, Ordering::Relaxed);
    gate.open();
    let Err(JobError::Failed(failure)) = refused.output().await else { panic!("it was refused") };
    assert_eq!((failure.kind, failure.category), (FailureKind::Refused, Category::Resource));
    assert_eq!(failure.message, "Resource validation failed: no licence");
    assert_eq!(refused.finished().await.started_at, None);
    assert_eq!(next.output().await.unwrap(), pid.to_string(), "nothing was killed for it");
}

#[tokio::test]
async fn a_panic_of_the_hook_at_its_turn_fails_that_job_alone() {
    let count = AtomicUsize::new(0);
    let manager = Hooked::new()
        .admission(move |_, _, _| match count.fetch_add(1, Ordering::Relaxed) {
            2 => panic!("no such device"),
            _ => Admission::Proceed,
        })
        .start()
        .await;
    let gate = Gate::new();
    started(&manager.start_job("lab", gate.task()).await.unwrap()).await;
    let unlucky = manager.start_job("lab", echo("")).await.unwrap();
    gate.open();
    let Err(JobError::Failed(failure)) = unlucky.output().await else { panic!("nobody admitted it") };
    assert_eq!(failure.kind, FailureKind::Refused);
    assert!(failure.message.contains("no such device"), "{failure}");
    let next = manager.start_job("lab", echo("next")).await.unwrap();
    assert_eq!(next.output().await.unwrap(), "next");
}

/// A hook that answers at once when a job is started, and thinks about it when the job's turn comes: the second
/// time that it is asked about `other`.
struct Thinker {
    asked: Arc<Notify>,
    answer: Arc<Semaphore>,
}

impl Thinker {
    fn new() -> (Self, Hooked) {
        let (asked, answer) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
        let this = Self { asked: Arc::clone(&asked), answer: Arc::clone(&answer) };
        let others = AtomicUsize::new(0);
        let hooked = Hooked::new().slow_admission(move |plugin, _, _| {
            let thinks = *plugin == "other" && others.fetch_add(1, Ordering::Relaxed) == 1;
            let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
            async move {
                if thinks {
                    asked.notify_one();
                    answer.acquire().await.unwrap().forget();
                }
                Admission::Proceed
            }
        });
        (this, hooked)
    }

    /// Waits until the hook thinks.
    async fn is_asked(&self) {
        tokio::time::timeout(PATIENCE, self.asked.notified()).await.unwrap();
    }
}

#[tokio::test]
async fn while_the_hook_thinks_the_worker_is_reserved_for_its_job() {
    let (thinker, hooked) = Thinker::new();
    let manager = hooked.start().await;
    let gate = Gate::new();
    started(&manager.start_job("lab", gate.task()).await.unwrap()).await;
    let second = manager.start_job("other", echo("second")).await.unwrap();
    gate.open();
    thinker.is_asked().await;

    let third = manager.start_job("lab", echo("third")).await.unwrap();
    assert_eq!((manager.workers()[0].phase, manager.workers()[0].job), (WorkerPhase::Idle, None));
    assert_eq!((second.status(), third.status()), (JobStatus::Pending, JobStatus::Pending));
    thinker.answer.add_permits(1);
    third.output().await.unwrap();
    let [second, third] = [second.finished().await, third.finished().await];
    assert!(second.started_at < third.started_at, "{second:?} {third:?}");
}

#[tokio::test]
async fn a_cancel_while_the_hook_thinks_frees_the_worker_and_kills_nothing() {
    let (thinker, hooked) = Thinker::new();
    let manager = hooked.start().await;
    let gate = Gate::new();
    let pid = started(&manager.start_job("lab", gate.task()).await.unwrap()).await;
    let cancelled = manager.start_job("other", echo("")).await.unwrap();
    let next = manager.start_job("lab", Task::Pid).await.unwrap();
    gate.open();
    thinker.is_asked().await;
    assert!(cancelled.cancel().await.unwrap().is_cancelled());
    assert_eq!(next.output().await.unwrap(), pid.to_string());

    // The answer comes too late, and concerns nobody.
    thinker.answer.add_permits(1);
    tokio::task::yield_now().await;
    assert_eq!(cancelled.status(), JobStatus::Cancelled);
    assert!(runs(pid));
}

#[tokio::test]
async fn the_hook_is_told_plugin_config_and_workers() {
    let seen = Calls::default();
    let note = seen.clone();
    let hooked = Hooked::new().admission(move |plugin, config, workers| {
        let workers: Vec<_> = workers.iter().map(|worker| (worker.phase, worker.pid.is_some())).collect();
        note.note(format!("{plugin} {} {workers:?}", config["model"]));
        Admission::Proceed
    });
    let builder = hooked.builder().plugin_config("other", config(json!({ "model": "base" })));
    let manager = builder.launch().await.unwrap();
    manager.start_job("other", echo("")).await.unwrap().output().await.unwrap();
    assert_eq!(seen.all(), [r#"other "base" [(Idle, true)]"#]);
}
