//! Every method of `BaseJobManager`, overridden in one type.

use ostler::{
    Admission, BaseJobManager, Broadcast, BroadcastChannel, Encoding, HookError, Job, JobManager,
    LaunchError, NewJob, Payload, PluginConfig, PluginId, StaticRegistry, WorkerCommand, WorkerConfig,
    WorkerState,
};
use ostler_tests::lab::Task;
use serde_json::json;

use super::Calls;
use crate::support::{config, echo, lab_worker};

struct Everything {
    calls: Calls,
    broadcast: BroadcastChannel,
}

impl BaseJobManager<Task> for Everything {
    fn worker_type(&self) -> &str {
        "everything"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        self.calls.note("get_worker_entry_point");
        lab_worker()
    }

    fn category(&self) -> &str {
        "speech"
    }

    fn supports_streaming(&self) -> bool {
        true
    }

    fn create_job(&self, new: NewJob<Task>) -> Result<NewJob<Task>, HookError> {
        self.calls.note("create_job");
        Ok(new.metadata("made_by", "create_job"))
    }

    fn prepare_execute_request(&self, job: &Job<Task>) -> Result<Payload, HookError> {
        self.calls.note("prepare_execute_request");
        let Task::Echo(text) = &job.spec else { return Err("it is no echo".into()) };
        Ok(Payload::encode(Encoding::Json, &Task::Echo(format!("prepared {text}")))?)
    }

    fn extract_job_result(&self, job: &Job<Task>, response: Payload) -> Result<String, HookError> {
        self.calls.note("extract_job_result");
        assert_eq!(
            (job.metadata.get_str("made_by"), response.encoding()),
            (Some("create_job"), Encoding::Json)
        );
        Ok(format!("extracted {}", response.decode::<String>()?))
    }

    fn extract_plugin_resource_identifier(&self, config: &PluginConfig) -> String {
        config.get("path").and_then(|path| path.as_str()).unwrap_or("none").to_owned()
    }

    async fn validate_resources(
        &self,
        plugin: &PluginId,
        config: &PluginConfig,
        workers: &[WorkerState],
    ) -> Admission {
        self.calls.note(format!("validate_resources {plugin} {} {}", config["model"], workers.len()));
        Admission::Proceed
    }

    async fn on_job_completed(&self, manager: &JobManager<Task>, job: &Job<Task>) {
        let resource = manager.workers()[0].resource.clone().unwrap();
        self.calls.note(format!("on_job_completed {:?} {resource}", job.result.as_deref().unwrap()));
    }

    async fn launch(self, config: WorkerConfig) -> Result<JobManager<Task>, LaunchError> {
        self.calls.note("launch");
        let own = self::config(json!({ "model": "base", "path": "/models/base" }));
        let registry = StaticRegistry::new().plugin("acme", "lab", "speech", own).plugin(
            "foreign",
            "other",
            "everything",
            PluginConfig::new(),
        );
        let broadcast = self.broadcast.clone();
        JobManager::builder(self)
            .config(config)
            .registry(registry)
            .event_broadcaster(broadcast)
            .launch()
            .await
    }
}

#[tokio::test]
async fn every_method_of_the_trait_can_be_overridden_and_counts() {
    let (calls, broadcast) = (Calls::default(), BroadcastChannel::default());
    let mut told = broadcast.subscribe();
    let everything = Everything { calls: calls.clone(), broadcast };
    let manager = everything.launch(WorkerConfig::default()).await.unwrap();
    assert_eq!(manager.worker_type(), "everything");
    assert!(manager.check_streaming_support("acme"));
    assert!(manager.start_job("foreign", echo("")).await.is_err(), "its category is another");

    let job = manager.start_job("acme", echo("text")).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "extracted prepared text");
    assert_eq!(job.finished().await.metadata.get_str("made_by"), Some("create_job"));
    let expected = [
        "launch",
        "get_worker_entry_point",
        r#"validate_resources acme "base" 1"#,
        "create_job",
        "prepare_execute_request",
        "extract_job_result",
        r#"on_job_completed "extracted prepared text" /models/base"#,
    ];
    assert_eq!(calls.reach(expected.len()).await, expected);

    let error = manager.start_job("acme", Task::Pid).await.unwrap_err();
    assert_eq!(error.to_string(), "the request for plugin acme cannot be prepared: it is no echo");
    let Some(Broadcast::Event(event)) = told.recv().await else { panic!("nothing was told") };
    assert_eq!(event.event_type, "everything:worker_starting");
}

#[tokio::test]
async fn a_response_that_the_host_cannot_use_fails_the_job_and_nothing_else() {
    struct Picky;
    impl BaseJobManager<Task> for Picky {
        fn worker_type(&self) -> &str {
            "lab"
        }
        fn get_worker_entry_point(&self) -> WorkerCommand {
            lab_worker()
        }
        fn extract_job_result(&self, _: &Job<Task>, response: Payload) -> Result<String, HookError> {
            match response.decode::<String>()?.as_str() {
                "bad" => Err("it is not good".into()),
                "worse" => panic!("it is worse"),
                text => Ok(text.to_owned()),
            }
        }
    }
    let manager = Picky.launch(WorkerConfig::default()).await.unwrap();
    for (text, why) in [("bad", "it is not good"), ("worse", "it is worse")] {
        let job = manager.start_job("lab", echo(text)).await.unwrap();
        let error = job.output().await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    let job = manager.start_job("lab", echo("good")).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "good");
    assert_eq!(manager.workers()[0].generation.0, 1);
}
