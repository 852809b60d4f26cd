//! Seed 003, the abstract methods of `BaseJobManager`: the example of its text, in full.

use ostler::{BaseJobManager, HookError, Job, JobType, NewJob, Payload, WorkerCommand, WorkerConfig};
use ostler_tests::lab::Task;
use serde::{Deserialize, Serialize};

use crate::operations::Calls;
use crate::support::lab_worker;

/// "Custom job type with domain-specific fields": not what the plugin takes.
#[derive(Clone, Serialize, Deserialize)]
struct MyJob {
    input_text: String,
}

impl JobType for MyJob {
    type Output = MyResult;
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
struct MyResult {
    text: String,
    length: usize,
}

struct MyJobManager(Calls);

impl BaseJobManager<MyJob> for MyJobManager {
    fn worker_type(&self) -> &str {
        "text_processing"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        self.0.note("get_worker_entry_point");
        lab_worker()
    }

    fn create_job(&self, new: NewJob<MyJob>) -> Result<NewJob<MyJob>, HookError> {
        self.0.note(format!("create_job {}", new.plugin_id));
        if new.spec.input_text.is_empty() {
            return Err("input_text is empty".into());
        }
        Ok(new)
    }

    fn prepare_execute_request(&self, job: &Job<MyJob>) -> Result<Payload, HookError> {
        self.0.note("prepare_execute_request");
        Ok(Payload::encode(MyJob::ENCODING, &Task::Echo(job.spec.input_text.clone()))?)
    }

    fn extract_job_result(&self, job: &Job<MyJob>, response: Payload) -> Result<MyResult, HookError> {
        self.0.note("extract_job_result");
        Ok(MyResult { text: response.decode()?, length: job.spec.input_text.len() })
    }
}

#[tokio::test]
async fn seed_003_abstract_methods_make_a_job_its_request_and_its_result() {
    let calls = Calls::default();
    let manager = MyJobManager(calls.clone()).launch(WorkerConfig::default()).await.unwrap();
    let job = manager.start_job("lab", MyJob { input_text: "Hello World".to_owned() }).await.unwrap();
    assert_eq!(job.output().await.unwrap(), MyResult { text: "Hello World".to_owned(), length: 11 });
    let steps = ["get_worker_entry_point", "create_job lab", "prepare_execute_request", "extract_job_result"];
    assert_eq!(calls.all(), steps);
    assert!(manager.start_job("lab", MyJob { input_text: String::new() }).await.is_err());
}

/// The plugin side of the same: one that is loaded once, and asked many times.
#[tokio::test]
async fn seed_003_plugin_resources_are_loaded_once_and_reused() {
    let manager = crate::support::launch().await;
    for _ in 0..3 {
        let job = manager.start_job("lab", Task::Config).await.unwrap();
        assert_eq!(job.output().await.unwrap(), " 1");
    }
}
