//! Functions as plugins, plain bytes as jobs, `tracing` in a plugin, a plugin that forks; in workers that are this test
//! program.
#![expect(unsafe_code, reason = "a plugin forks as one in C would")]

use ostler::worker::{Bytes, JobContext, Plugin, PluginError, PluginManifest, PluginSet, worker_in_tests};
use ostler::{
    Category, Encoding, FailureKind, JobEventKind, JobManager, JobType, LogLevel, StartError, WorkerCommand,
    WorkerConfig, as_completed,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::{any, failed, says};

worker_in_tests!(register_all);

fn register_all(plugins: &mut PluginSet) {
    plugins.function("double", |n: Number, _| Ok(n.0 * 2));
    plugins.function("check", |n: Number, job| {
        job.progress_with(0.5, "half", &json!({ "number": n.0 }))?;
        if n.0 == 13 { Err(PluginError::input("13 is not a number to be doubled")) } else { Ok(n.0) }
    });
    plugins.function("reverse", |bytes: Bytes, _| Ok(bytes.iter().rev().copied().collect::<Bytes>()));
    plugins.function(PluginManifest::new("traced").description("says things"), |text: Bytes, _| {
        let _span = tracing::info_span!("inside").entered();
        tracing::info!(bytes = text.len(), kind = "short", "read");
        tracing::debug!("not told");
        std::thread::spawn(|| tracing::warn!("from a thread")).join().ok();
        Ok(text)
    });
    plugins.function("fork", |bytes: Bytes, _| fork_if(true).map(|()| bytes));
    plugins.function("pid", |_: Bytes, _| Ok(Bytes::from(std::process::id().to_string())));
    plugins.register::<Forker>();
}

/// Forks while it loads and while it is unloaded, if it is told to.
struct Forker(bool);

impl Plugin for Forker {
    const NAME: &str = "forker";
    type Config = ForkerConfig;
    type Request = Number;
    type Response = u32;

    fn load(config: ForkerConfig) -> Result<Self, PluginError> {
        fork_if(config.forks)?;
        Ok(Self(config.forks))
    }

    fn execute(&mut self, _: Number, _: &JobContext) -> Result<u32, PluginError> {
        Ok(std::process::id())
    }
}

impl Drop for Forker {
    fn drop(&mut self) {
        // The job that comes next shows what became of it.
        let _ = fork_if(self.0);
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ForkerConfig {
    forks: bool,
}

fn fork_if(forks: bool) -> Result<(), PluginError> {
    // SAFETY: both processes go on with what they have; that is what is tested.
    if forks && unsafe { libc::fork() } < 0 {
        return Err(PluginError::resource("cannot fork"));
    }
    Ok(())
}

fn this_program() -> WorkerCommand {
    WorkerCommand::current_exe()
}

async fn bytes() -> JobManager<Bytes> {
    any(this_program()).launch().await.unwrap()
}

#[derive(Clone, Serialize, Deserialize)]
struct Number(u32);

impl JobType for Number {
    type Output = u32;
}

#[tokio::test]
async fn a_function_is_a_plugin() {
    let manager = any(this_program()).launch().await.unwrap();
    assert_eq!(manager.start_job("double", Number(21)).await.unwrap().await.unwrap(), 42);
    let refused = failed(&manager.start_job("check", Number(13)).await.unwrap()).await;
    assert_eq!((refused.kind, refused.category), (FailureKind::Plugin, Category::Input));
    says(refused, &["13 is not a number"]);
    let described = |name: &str| manager.plugins().iter().find(|plugin| plugin.name == name).cloned();
    assert_eq!(described("traced").unwrap().description, "says things");
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn progress_carries_data_for_programs() {
    let manager = any(this_program()).launch().await.unwrap();
    let job = manager.start_job("check", Number(5)).await.unwrap();
    job.output().await.unwrap();
    let mut events = job.events().starting_at(3);
    let progress =
        JobEventKind::Progress { fraction: 0.5, message: "half".into(), data: Some(json!({ "number": 5 })) };
    assert_eq!(events.next().await.unwrap().unwrap().kind, progress);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_function_takes_no_configuration_and_says_so() {
    let config = WorkerConfig { max_restart_attempts: 0, ..WorkerConfig::default() };
    let configured = any::<Number>(this_program()).config(config).plugin_config("double", json!({"by": 3}));
    says(configured.launch().await.unwrap_err(), &["double", "is a function and takes no configuration"]);
}

#[tokio::test]
async fn plain_bytes_are_a_job_and_an_answer() {
    let manager = bytes().await;
    let job = manager.start_job("reverse", Bytes::from_static(b"\0\xff12")).await.unwrap();
    assert_eq!(job.await.unwrap(), &b"21\xff\0"[..]);
    let wrong = failed(&manager.start_job("double", Bytes::from_static(b"21")).await.unwrap()).await;
    says(wrong, &["double", "cannot read the request", "plain bytes"]);
    manager.shutdown().await.unwrap();
}

#[derive(Clone, Serialize, Deserialize)]
struct Pair(u32, u32);

impl JobType for Pair {
    type Output = u32;
    const ENCODING: Encoding = Encoding::Bytes;
}

#[tokio::test]
async fn what_is_more_than_bytes_is_refused_as_plain_bytes() {
    let manager = any::<Pair>(this_program()).launch().await.unwrap();
    let error = manager.start_job("reverse", Pair(1, 2)).await.unwrap_err();
    assert!(matches!(error, StartError::NotEncodable { .. }), "{error}");
    says(error, &["Pair", "plain bytes", "it is a struct"]);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_a_plugin_traces_is_in_the_log_of_its_job() {
    let manager = bytes().await;
    let job = manager.start_job("traced", Bytes::from_static(b"hello")).await.unwrap();
    job.output().await.unwrap();
    let (mut events, mut lines) = (job.events(), Vec::new());
    while let Some(event) = events.next().await {
        if let JobEventKind::Log { level, message } = event.unwrap().kind {
            lines.push((level, message));
        }
    }
    let expected =
        [(LogLevel::Info, "read bytes=5 kind=\"short\"".into()), (LogLevel::Warn, "from a thread".into())];
    assert_eq!(lines, expected);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_child_that_a_plugin_forked_does_not_go_on_as_a_worker() {
    let manager = bytes().await;
    let pid = || async { manager.start_job("pid", Bytes::new()).await.unwrap().await.unwrap() };
    let before = pid().await;
    for round in 0..20_u8 {
        let bytes = Bytes::copy_from_slice(&[round]);
        assert_eq!(manager.start_job("fork", bytes.clone()).await.unwrap().await.unwrap(), bytes);
        assert_eq!(pid().await, before, "the worker is the one that said hello");
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn nor_does_one_that_was_forked_while_a_plugin_loads_or_is_unloaded() {
    let forks = any(this_program()).plugin_config("forker", json!({ "forks": true }));
    let manager = forks.launch().await.unwrap();
    let pid = || async { manager.start_job("forker", Number(0)).await.unwrap().await.unwrap() };
    let before = pid().await;
    for _ in 0..10 {
        manager.unload_plugin("forker").await.unwrap();
        assert_eq!(pid().await, before, "the worker is the one that said hello");
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn many_specs_are_mapped_to_their_answers_in_order() {
    let manager = any(this_program()).launch().await.unwrap();
    let outputs = manager.map("check", [1, 13, 3].map(Number)).await.unwrap();
    assert_eq!(
        outputs.iter().map(|output| output.as_ref().ok()).collect::<Vec<_>>(),
        [Some(&1), None, Some(&3)]
    );
    assert!(manager.map("nothing", [Number(1)]).await.is_err());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_map_that_cannot_start_all_leaves_none_behind() {
    let config = WorkerConfig { queue_capacity: 2, ..WorkerConfig::default() };
    let manager =
        any(WorkerCommand::program(crate::support::LAB_WORKER)).config(config).launch().await.unwrap();
    let tasks = (0..9).map(|_| ostler_tests::lab::Task::Spin);
    assert!(matches!(manager.map("lab", tasks).await, Err(StartError::QueueFull { .. })));
    assert!(manager.get_all_jobs().iter().all(|job| job.status.is_terminal()));
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn jobs_are_told_as_they_complete() {
    let manager = any(this_program()).launch().await.unwrap();
    let mut jobs = Vec::new();
    for number in 0..20 {
        jobs.push(manager.start_job("double", Number(number)).await.unwrap());
    }
    let mut expected: Vec<_> = jobs.iter().map(|job| job.id()).collect();
    let (mut ended, mut told) = (as_completed(jobs), Vec::new());
    while let Some(job) = ended.next().await {
        assert!(job.status().is_terminal());
        told.push(job.id());
    }
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_configuration_that_is_no_object_is_named() {
    let launch =
        |config: serde_json::Value| any::<Number>(this_program()).plugin_config("double", config).launch();
    for (wrong, named) in [(json!(5), "a number"), (json!(["cpu"]), "a list"), (json!("cpu"), "a text")] {
        says(launch(wrong).await.unwrap_err(), &["double", "must be an object", named]);
    }
    let manager = any::<Number>(this_program()).plugin_config("double", ()).launch().await.unwrap();
    says(manager.reload_plugin("double", 5).await.unwrap_err(), &["double", "must be an object"]);
    manager.shutdown().await.unwrap();
}
