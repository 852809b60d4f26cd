//! `ResourceManager` and `EventBroadcaster`.

use ostler::{
    Broadcast, BroadcastChannel, BroadcastSubscriber, Category, EventBroadcaster, JobHandle, ResourceManager,
    WorkerPhase, WorkerState, WorkerTable,
};
use ostler_tests::lab::Task;
use serde_json::{Value, json};

use super::{Calls, PATIENCE};
use crate::support::{Gate, config, echo, lab, launch, started, within};

struct Account(Calls);

impl Account {
    fn note(&self, call: &str, worker: &WorkerState) {
        assert_eq!((worker.worker_type.as_str(), worker.pid.is_some()), ("lab", true));
        let resource = worker.resource.as_deref().unwrap_or("-");
        self.0.note(format!("{call} {} {} {resource}", worker.generation.0, worker.phase));
    }
}

impl ResourceManager for Account {
    fn register_worker(&self, worker: &WorkerState) {
        self.note("register", worker);
    }

    fn update_worker_state(&self, worker: &WorkerState) {
        self.note("update", worker);
    }

    fn unregister_worker(&self, worker: &WorkerState) {
        self.note("unregister", worker);
    }
}

#[tokio::test]
async fn the_resource_manager_is_told_of_each_worker_from_its_spawn_to_its_death_in_order() {
    let calls = Calls::default();
    let builder = lab().resource_manager(Account(calls.clone()));
    let configured = builder.plugin_config("lab", config(json!({ "model": "base" })));
    let manager = configured.launch().await.unwrap();
    manager.start_job("lab", echo("")).await.unwrap().output().await.unwrap();
    manager.reload_plugin("lab", config(json!({ "model": "large" }))).await.unwrap();
    manager.unload_plugin("lab").await.unwrap();
    let job = manager.start_job("lab", Task::Spin).await.unwrap();
    started(&job).await;
    assert!(job.cancel().await.unwrap().is_cancelled());
    manager.start_job("other", echo("")).await.unwrap().output().await.unwrap();
    manager.shutdown().await.unwrap();

    let expected = [
        "register 1 starting -",
        "update 1 loading -",
        "update 1 idle -",
        "update 1 busy base",
        "update 1 idle base",
        // The reload.
        "update 1 idle large",
        // The unload: nothing is held any more.
        "update 1 idle -",
        "update 1 busy large",
        "unregister 1 gone large",
        "register 2 starting -",
        "update 2 loading -",
        "update 2 idle -",
        "update 2 busy unknown",
        "update 2 idle unknown",
        "update 2 draining unknown",
        "unregister 2 gone unknown",
    ];
    assert_eq!(calls.all(), expected);
}

#[tokio::test]
async fn a_panic_of_the_resource_manager_does_no_harm() {
    struct Panics;
    impl ResourceManager for Panics {
        fn register_worker(&self, _: &WorkerState) {
            panic!("no account");
        }
        fn update_worker_state(&self, _: &WorkerState) {
            panic!("no account");
        }
        fn unregister_worker(&self, _: &WorkerState) {
            panic!("no account");
        }
    }
    let manager = lab().resource_manager(Panics).launch().await.unwrap();
    let job = manager.start_job("lab", echo("fine")).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "fine");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_worker_table_knows_who_uses_what() {
    let table = WorkerTable::new();
    let builder = lab().resource_manager(table.clone());
    let manager = builder.plugin_config("lab", config(json!({ "model": "base" }))).launch().await.unwrap();
    let gate = Gate::new();
    let job = manager.start_job("lab", gate.task()).await.unwrap();
    let pid = started(&job).await;
    assert!(within(PATIENCE, || !table.using("base").is_empty()).await, "{:?}", table.workers());
    let [worker] = &table.using("base")[..] else { panic!("one worker, one slot") };
    assert_eq!((worker.pid, worker.phase, worker.job), (Some(pid), WorkerPhase::Busy, Some(job.id())));
    assert!(table.memory().unwrap().used_by_processes() > 0);
    gate.open();
    job.output().await.unwrap();
    manager.shutdown().await.unwrap();
    assert!(table.workers().is_empty(), "{:?}", table.workers());
}

/// What was broadcast of jobs: names without the worker type, and data.
async fn told(mut events: BroadcastSubscriber) -> Vec<(String, Value)> {
    let mut told = Vec::new();
    while let Some(Broadcast::Event(event)) = events.recv().await {
        let name = event.event_type.strip_prefix("lab:").unwrap().to_owned();
        if !name.starts_with("worker_") {
            told.push((name, event.data.clone()));
        }
    }
    told
}

#[tokio::test]
async fn the_broadcaster_gets_every_step_of_a_job_with_job_id_and_plugin_id() {
    let broadcast = BroadcastChannel::default();
    let events = broadcast.subscribe();
    let manager = lab().event_broadcaster(broadcast).launch().await.unwrap();
    let good = manager.start_job("lab", Task::Mixed(3)).await.unwrap();
    good.output().await.unwrap();
    let bad = manager.start_job("other", Task::Fail("no".to_owned(), Category::Input)).await.unwrap();
    bad.output().await.unwrap_err();
    let spinning = manager.start_job("lab", Task::Spin).await.unwrap();
    let pid = started(&spinning).await;
    assert!(spinning.cancel().await.unwrap().is_cancelled());
    manager.shutdown().await.unwrap();
    drop(manager);

    let told = told(events).await;
    let data = |job: &JobHandle<Task>| json!({ "job_id": job.id(), "plugin_id": job.plugin_id() });
    let names: Vec<_> = told.iter().map(|(name, _)| name.as_str()).collect();
    let steps =
        ["queued", "started", "completed", "queued", "started", "failed", "queued", "started", "cancelled"];
    assert_eq!(names, steps);
    for ((name, told), job) in told.iter().zip([&good, &good, &good, &bad, &bad, &bad, &spinning]) {
        let expected = data(job);
        assert_eq!(
            (&told["job_id"], &told["plugin_id"]),
            (&expected["job_id"], &expected["plugin_id"]),
            "{name}"
        );
    }
    assert_eq!((&told[5].1["error"], &told[5].1["kind"]), (&json!("no"), &json!("plugin")));
    assert_eq!(told[7].1["worker_pid"], json!(pid));
    assert_eq!(told[8].1, data(&spinning));
}

#[tokio::test]
async fn the_broadcaster_gets_worker_events_too() {
    let broadcast = BroadcastChannel::default();
    let mut events = broadcast.subscribe();
    let manager = lab().event_broadcaster(broadcast).launch().await.unwrap();
    manager.shutdown().await.unwrap();
    drop(manager);
    for phase in ["starting", "loading", "idle", "draining", "gone"] {
        let Some(Broadcast::Event(event)) = events.recv().await else { panic!("no {phase}") };
        assert_eq!(event.event_type, format!("lab:worker_{phase}"));
        assert_eq!(event.data["worker"]["phase"], json!(phase));
        assert!(event.data["worker"]["pid"].is_u64(), "{}", event.data);
    }
    assert_eq!(events.recv().await, None);
}

#[tokio::test]
async fn broadcast_event_reaches_the_broadcaster_in_order_and_without_one_does_nothing() {
    struct Noting(Calls);
    impl EventBroadcaster for Noting {
        fn broadcast(&self, event_type: &str, data: Value) {
            self.0.note(format!("{event_type} {data}"));
        }
    }
    launch().await.broadcast_event("nobody listens", json!(1));

    let calls = Calls::default();
    let manager = lab().event_broadcaster(Noting(calls.clone())).lazy().launch().await.unwrap();
    manager.broadcast_event("hello", json!({ "n": 1 }));
    manager.broadcast_event("hello", json!({ "n": 2 }));
    manager.shutdown().await.unwrap();
    assert_eq!(calls.all(), [r#"hello {"n":1}"#, r#"hello {"n":2}"#]);
}
