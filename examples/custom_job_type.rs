//! A job type with every method and hook of its own. Run it: `cargo run -p ostler-examples --bin custom_job_type`.
#![expect(clippy::print_stdout, reason = "it shows its results")]

use ostler::worker::{JobContext, Plugin, PluginError, run_if_worker};
use ostler::{Admission, BaseJobManager, Encoding, HookError, Job, JobManager, JobType, NewJob, Payload};
use ostler::{PluginConfig, PluginId, WorkerCommand, WorkerState};
use serde_json::{Value, json};

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Transcribe(String);
impl JobType for Transcribe {
    type Output = String;
    const ENCODING: Encoding = Encoding::Json;
}

struct Speech(String); // The worker's side.
impl Plugin for Speech {
    const NAME: &str = "speech";
    type Config = Value;
    type Request = Value;
    type Response = Value;
    fn load(config: Value) -> Result<Self, PluginError> {
        Ok(Speech(config["model"].to_string()))
    }
    fn execute(&mut self, request: Value, _: &JobContext) -> Result<Value, PluginError> {
        Ok(json!({ "text": format!("words of {}, by {}", request["file"], self.0) }))
    }
}

struct SpeechJobs;
impl BaseJobManager<Transcribe> for SpeechJobs {
    fn worker_type(&self) -> &str {
        "speech"
    }
    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe()
    }
    fn category(&self) -> &str {
        "transcription"
    }
    fn supports_streaming(&self) -> bool {
        true
    }
    fn create_job(&self, new: NewJob<Transcribe>) -> Result<NewJob<Transcribe>, HookError> {
        Ok(new.metadata("asked_by", "the example"))
    }
    fn prepare_execute_request(&self, job: &Job<Transcribe>) -> Result<Payload, HookError> {
        Ok(Payload::json(&json!({ "file": job.spec.0 }))?)
    }
    fn extract_job_result(&self, _: &Job<Transcribe>, response: Payload) -> Result<String, HookError> {
        Ok(response.decode::<Value>()?["text"].to_string())
    }
    fn extract_plugin_resource_identifier(&self, config: &PluginConfig) -> String {
        format!("{:?}", config.get("model"))
    }
    async fn validate_resources(&self, _: &PluginId, _: &PluginConfig, workers: &[WorkerState]) -> Admission {
        match workers.len() {
            0..8 => Admission::Proceed,
            _ => Admission::Wait { reason: "eight models fit into memory".into() },
        }
    }
    async fn on_job_completed(&self, manager: &JobManager<Transcribe>, job: &Job<Transcribe>) {
        manager.broadcast_event("speech:saved", json!({ "job_id": job.id }));
        println!("completed, asked by {:?}", job.metadata.get_str("asked_by"));
    }
}

fn main() -> ostler::Result<()> {
    run_if_worker(|plugins| plugins.register::<Speech>());
    host()
}
#[tokio::main]
async fn host() -> ostler::Result<()> {
    let config = PluginConfig::from_iter([("model".to_owned(), "base".into())]);
    let manager = JobManager::builder(SpeechJobs).plugin_config("speech", config).launch().await?;
    println!("{}", manager.start_job("speech", Transcribe("talk.mp3".into())).await?.output().await?);
    manager.shutdown().await
}
