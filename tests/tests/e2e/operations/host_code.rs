//! The host's own code: it panics, never answers, blocks, and is called too often or not at all.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use ostler::{
    Admission, BaseJobManager, ControlError, Encoding, EventBroadcaster, HookError, HookPanicked, Job,
    JobError, JobManager, LaunchError, Payload, PluginConfig, PluginId, PluginInfo, PluginRegistry,
    RegistryError, StartError, WorkerCommand, WorkerConfig,
};
use ostler_tests::lab::Task;
use serde_json::{Value, json};

use super::{Calls, Hooked, PATIENCE};
use crate::support::{Gate, config, echo, lab, launch, started, within};

/// Longer than any test takes.
const FOR_EVER: Duration = Duration::from_secs(3600);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

#[track_caller]
fn is_panic_of(panic: &HookPanicked, hook: &str) {
    assert_eq!((panic.hook, panic.message.as_str()), (hook, "no such device"));
}

#[track_caller]
fn start_panicked<T: std::fmt::Debug>(result: Result<T, StartError>, hook: &str) {
    match result {
        Err(StartError::HookPanicked(panic)) => is_panic_of(&panic, hook),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_panic_on_the_way_in_is_an_error_that_names_the_hook() {
    for hook in ["create_job", "prepare_execute_request", "validate_resources"] {
        let hooked = Hooked::new();
        let manager = match hook {
            "create_job" => hooked.create(|_| panic!("no such device")),
            "prepare_execute_request" => hooked.prepare(|_| panic!("no such device")),
            _ => hooked.admission(|_, _, _| panic!("no such device")),
        };
        let manager = manager.start().await;
        start_panicked(manager.start_job("lab", echo("")).await, hook);
        assert_eq!(manager.get_all_jobs().len(), 0);
        manager.shutdown().await.unwrap();
    }
}

#[tokio::test]
async fn a_panic_about_a_plugins_resource_is_an_error_of_launch_and_of_reload() {
    let panics = |config: &PluginConfig| match config.get("model") {
        Some(_) => panic!("no such device"),
        None => "unknown".to_owned(),
    };
    let model = config(json!({ "model": "base" }));
    let builder = Hooked::new().resource(panics).builder().plugin_config("lab", model.clone());
    match builder.launch().await {
        Err(LaunchError::HookPanicked(panic)) => is_panic_of(&panic, "extract_plugin_resource_identifier"),
        other => panic!("{other:?}"),
    }
    let manager = Hooked::new().resource(panics).start().await;
    match manager.reload_plugin("lab", model).await {
        Err(ControlError::HookPanicked(panic)) => is_panic_of(&panic, "extract_plugin_resource_identifier"),
        other => panic!("{other:?}"),
    }
    assert_eq!(manager.start_job("lab", echo("on")).await.unwrap().output().await.unwrap(), "on");
}

fn lab_plugin() -> PluginInfo {
    PluginInfo { id: "lab".into(), name: "lab".to_owned(), category: "lab".to_owned() }
}

/// Panics when it is asked by this name.
struct Moody(Arc<Mutex<&'static str>>);

impl Moody {
    fn asked(&self, name: &str) {
        let panics = *self.0.lock().unwrap() == name;
        assert!(!panics, "no such device");
    }
}

impl PluginRegistry for Moody {
    fn get_plugins_by_category(&self, _: &str) -> Vec<PluginInfo> {
        self.asked("get_plugins_by_category");
        vec![lab_plugin()]
    }

    fn get_plugin(&self, id: &PluginId) -> Option<PluginInfo> {
        self.asked("get_plugin");
        (*id == "lab").then(lab_plugin)
    }

    fn load_plugin_config(&self, _: &PluginId) -> Result<PluginConfig, RegistryError> {
        self.asked("load_plugin_config");
        Ok(PluginConfig::new())
    }
}

#[tokio::test]
async fn a_panic_of_the_registry_is_an_error_that_names_the_call() {
    let mood = Arc::new(Mutex::new(""));
    let set = |name| *mood.lock().unwrap() = name;
    for call in ["get_plugins_by_category", "load_plugin_config"] {
        set(call);
        match lab().registry(Moody(Arc::clone(&mood))).launch().await {
            Err(LaunchError::HookPanicked(panic)) => is_panic_of(&panic, call),
            other => panic!("{other:?}"),
        }
    }
    set("");
    let manager = lab().registry(Moody(Arc::clone(&mood))).launch().await.unwrap();
    set("get_plugin");
    start_panicked(manager.start_job("lab", echo("")).await, "get_plugin");
    for result in
        [manager.reload_plugin("lab", PluginConfig::new()).await, manager.unload_plugin("lab").await]
    {
        match result {
            Err(ControlError::HookPanicked(panic)) => is_panic_of(&panic, "get_plugin"),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(manager.get_plugin_name("lab"), None);
    assert!(!manager.check_streaming_support("lab"));
    set("get_plugins_by_category");
    start_panicked(manager.start_job("nobody", echo("")).await, "get_plugins_by_category");
    set("");
    assert_eq!(manager.start_job("lab", echo("on")).await.unwrap().output().await.unwrap(), "on");
}

#[tokio::test]
async fn a_resource_hook_that_never_answers_is_waited_for_as_long_as_its_timeout() {
    let config = WorkerConfig { hook_timeout: Duration::from_millis(50), ..WorkerConfig::default() };
    let hooked = Hooked::new().slow_admission(|_, _, _| std::future::pending::<Admission>());
    let manager = hooked.builder().config(config).launch().await.unwrap();
    let error = soon(manager.start_job("lab", echo(""))).await.unwrap_err();
    let StartError::HookTimedOut { hook, timeout } = error else { panic!("{error}") };
    assert_eq!((hook, timeout), ("validate_resources", Duration::from_millis(50)));
    soon(manager.shutdown()).await.unwrap();
}

#[tokio::test]
async fn a_shutdown_ends_the_wait_for_a_resource_hook_that_never_answers() {
    let (asked, is_asked) = tokio::sync::oneshot::channel();
    let asked = Mutex::new(Some(asked));
    let hooked = Hooked::new().slow_admission(move |_, _, _| {
        asked.lock().unwrap().take().unwrap().send(()).unwrap();
        std::future::pending::<Admission>()
    });
    let config = WorkerConfig { hook_timeout: FOR_EVER, ..WorkerConfig::default() };
    let manager = hooked.builder().config(config).launch().await.unwrap();
    let starting = manager.clone();
    let start = tokio::spawn(async move { starting.start_job("lab", echo("")).await.map(drop) });
    is_asked.await.unwrap();
    soon(manager.shutdown()).await.unwrap();
    let error = soon(start).await.unwrap().unwrap_err();
    assert!(matches!(error, StartError::ShutDown), "{error}");
}

#[tokio::test]
async fn a_hook_that_never_returns_holds_a_shutdown_up_no_longer_than_its_deadline() {
    let called = Calls::default();
    let note = called.clone();
    let hooked = Hooked::new().completed(move |_, _| {
        note.note("completed");
        std::future::pending()
    });
    let config = WorkerConfig { shutdown_timeout: FOR_EVER, ..WorkerConfig::default() };
    let manager = hooked.builder().config(config).launch().await.unwrap();
    manager.start_job("lab", echo("")).await.unwrap().output().await.unwrap();
    called.reach(1).await;
    let patient = manager.clone();
    let patient = tokio::spawn(async move { patient.shutdown().await });
    assert!(within(PATIENCE, || manager.workers().is_empty()).await);
    assert!(!patient.is_finished(), "it waits for the hook");
    soon(manager.shutdown_within(Duration::ZERO)).await.unwrap();
    soon(patient).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_result_that_does_not_count_is_not_extracted() {
    let calls = Calls::default();
    let note = calls.clone();
    let hooked = Hooked::new().extract(move |_, output| note.note(output));
    let config = WorkerConfig { cancel_grace: FOR_EVER, ..WorkerConfig::default() };
    let manager = hooked.builder().config(config).launch().await.unwrap();
    let job = manager.start_job("lab", Task::TidyUp).await.unwrap();
    started(&job).await;
    assert!(job.cancel().await.unwrap().is_cancelled(), "its answer comes after the cancel");
    manager.start_job("lab", echo("counts")).await.unwrap().output().await.unwrap();
    assert_eq!(calls.all(), ["counts"]);
}

#[tokio::test]
async fn a_panic_over_a_result_fails_the_job_and_names_the_hook() {
    let hooked = Hooked::new().extract(|_, output| assert_ne!(output, "bad", "no such device"));
    let manager = hooked.start().await;
    let job = manager.start_job("lab", echo("bad")).await.unwrap();
    let failure = crate::support::failed(&job).await;
    crate::support::says(&failure, &["the host's extract_job_result panicked: ", "no such device"]);
    assert_eq!(manager.start_job("lab", echo("on")).await.unwrap().output().await.unwrap(), "on");
}

/// An error that cannot be told.
#[derive(Debug)]
struct Speechless;

impl std::fmt::Display for Speechless {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("there are no words for it")
    }
}

impl std::error::Error for Speechless {}

struct Refusing;

impl BaseJobManager<Task> for Refusing {
    fn worker_type(&self) -> &str {
        "lab"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        crate::support::lab_worker()
    }

    fn extract_job_result(&self, _: &Job<Task>, response: Payload) -> Result<String, HookError> {
        match response.decode::<String>()?.as_str() {
            "bad" => Err(Speechless.into()),
            other => Ok(other.to_owned()),
        }
    }
}

/// It used to take the whole manager down.
#[tokio::test]
async fn an_error_of_the_host_that_panics_when_it_is_told_fails_its_job_alone() {
    let manager = JobManager::builder(Refusing).launch().await.unwrap();
    let job = manager.start_job("lab", echo("bad")).await.unwrap();
    let failure = crate::support::failed(&job).await;
    crate::support::says(&failure, &["extract_job_result", "there are no words for it"]);
    assert_eq!(manager.start_job("lab", echo("on")).await.unwrap().output().await.unwrap(), "on");
}

/// Waits until the test lets go.
struct Stuck(Mutex<mpsc::Receiver<()>>, Calls);

impl EventBroadcaster for Stuck {
    fn broadcast(&self, event_type: &str, _: Value) {
        self.1.note(event_type);
        let _ = self.0.lock().unwrap().recv();
    }
}

#[tokio::test]
async fn a_broadcaster_that_blocks_holds_up_neither_jobs_nor_a_shutdown() {
    let (let_go, stuck) = mpsc::channel();
    let calls = Calls::default();
    let manager = lab().event_broadcaster(Stuck(Mutex::new(stuck), calls.clone())).launch().await.unwrap();
    calls.reach(1).await;
    for _ in 0..3 {
        assert_eq!(soon(manager.start_job("lab", echo("on")).await.unwrap().output()).await.unwrap(), "on");
    }
    soon(manager.shutdown_within(Duration::ZERO)).await.unwrap();
    assert_eq!(calls.all().len(), 1, "it is told one thing at a time");
    drop(let_go);
    let all = calls.reach(2).await;
    assert_eq!(all[0], "lab:worker_starting");
}

#[tokio::test]
async fn who_tries_again_at_once_lets_others_have_their_turn() {
    let config = WorkerConfig { queue_capacity: 1, ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let gate = Gate::new();
    started(&manager.start_job("lab", gate.task()).await.unwrap()).await;
    manager.start_job("lab", echo("")).await.unwrap();
    let was_there = Arc::new(AtomicBool::new(false));
    let other = Arc::clone(&was_there);
    tokio::spawn(async move { other.store(true, Ordering::Relaxed) });
    for _ in 0..10_000 {
        let error = manager.start_job("lab", echo("")).await.unwrap_err();
        assert!(matches!(error, StartError::QueueFull { .. }), "{error}");
        if was_there.load(Ordering::Relaxed) {
            return gate.open();
        }
    }
    panic!("nobody else had a turn");
}

#[tokio::test]
async fn who_reads_what_is_there_lets_others_have_their_turn() {
    let manager = launch().await;
    let job = manager.start_job("lab", echo("")).await.unwrap();
    job.output().await.unwrap();
    let was_there = Arc::new(AtomicBool::new(false));
    let other = Arc::clone(&was_there);
    tokio::spawn(async move { other.store(true, Ordering::Relaxed) });
    for _ in 0..10_000 {
        job.output().await.unwrap();
        assert!(!job.cancel().await.unwrap().is_cancelled());
        if was_there.load(Ordering::Relaxed) {
            return;
        }
    }
    panic!("nobody else had a turn");
}

/// What the record's type does when it is copied and dropped.
static COPIES_PANIC: AtomicBool = AtomicBool::new(false);

#[derive(serde::Serialize, serde::Deserialize)]
struct Fragile(Task);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert!(!COPIES_PANIC.load(Ordering::Relaxed), "it cannot be copied");
        Self(self.0.clone())
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        assert!(!COPIES_PANIC.load(Ordering::Relaxed) || std::thread::panicking(), "it cannot be dropped");
    }
}

impl ostler::JobType for Fragile {
    type Output = String;
    const ENCODING: Encoding = Encoding::Bincode;
}

#[tokio::test]
async fn a_request_that_panics_when_it_is_copied_or_dropped_loses_no_part_of_a_step() {
    let config = WorkerConfig { finished_jobs_kept: 1, ..crate::support::at_once() };
    let manager =
        crate::support::any::<Fragile>(crate::support::lab_worker()).config(config).launch().await.unwrap();
    let gate = Gate::new();
    let job = manager.start_job("lab", Fragile(gate.task())).await.unwrap();
    started(&job).await;
    // Whoever holds a record makes each change of it a copy.
    let held: Vec<Arc<Job<Fragile>>> = manager.get_all_jobs();
    let second = manager.start_job("lab", Fragile(Task::Spin)).await.unwrap();
    let second_held = manager.get_job(second.id());
    COPIES_PANIC.store(true, Ordering::Relaxed);
    gate.open();
    let error = soon(job.output()).await.unwrap_err();
    crate::support::says(&error, &["its type panicked when it was copied"]);
    assert!(soon(second.cancel()).await.unwrap().is_cancelled());
    assert_eq!(soon(second.output()).await.unwrap_err(), JobError::Cancelled);
    COPIES_PANIC.store(false, Ordering::Relaxed);
    let third = manager.start_job("lab", Fragile(echo("third"))).await.unwrap();
    assert_eq!(soon(third.output()).await.unwrap(), "third");
    let known: Vec<_> = manager.get_all_jobs().iter().map(|job| job.id).collect();
    assert_eq!(known, [third.id()], "nothing stands there as what it is no more");
    drop((held, second_held));
    soon(manager.shutdown()).await.unwrap();
}
