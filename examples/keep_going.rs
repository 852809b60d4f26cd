//! Keeps a pool going: a job that takes every worker along is put aside with the evidence, mended and released; one
//! that hangs is cancelled, and its record says by whom. Run it: `cargo run -p ostler-examples --bin keep_going`.
#![expect(clippy::print_stdout, reason = "it shows its results")]

use std::time::Duration;

use ostler::worker::{JobContext, Plugin, PluginError, run_if_worker};
use ostler::{BaseJobManager, CancelRequest, JobEvents, JobType, RetryPolicy, WorkerCommand, WorkerConfig};

/// A file. Its plugin dies of one that is not there, and spins for ever on a directory.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Read(std::path::PathBuf);

impl JobType for Read {
    type Output = String;
}

struct Reader;

impl Plugin for Reader {
    const NAME: &str = "reader";
    type Config = ();
    type Request = Read;
    type Response = String;

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Reader)
    }
    fn execute(&mut self, Read(path): Read, _: &JobContext) -> Result<String, PluginError> {
        while path.is_dir() {}
        Ok(std::fs::read_to_string(path).unwrap_or_else(|_| std::process::abort()))
    }
}

struct ReadJobs;

impl BaseJobManager<Read> for ReadJobs {
    fn worker_type(&self) -> &str {
        "read"
    }
    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe()
    }
}

async fn wait_for(mut events: JobEvents, name: &str) {
    while events.next().await.is_some_and(|event| event.is_ok_and(|event| event.kind.name() != name)) {}
}

fn main() -> ostler::Result<()> {
    run_if_worker(|plugins| plugins.register::<Reader>());
    host()
}

#[tokio::main]
async fn host() -> ostler::Result<()> {
    let retry = RetryPolicy { backoff_base: Duration::ZERO, ..RetryPolicy::attempts(2) };
    // Each crash uses up a restart of the pool: it may have more of them than one job may crash.
    let config = WorkerConfig { standby: 1, retry, max_restart_attempts: 20, ..WorkerConfig::default() };
    let manager = ReadJobs.launch(config).await?;
    let file = std::env::temp_dir().join(format!("keep_going.{}", std::process::id()));
    let suspect = manager.start_job("reader", Read(file.clone())).await?;
    wait_for(suspect.events(), "quarantined").await;
    for job in manager.quarantined() {
        println!("put aside after {} attempts: {:?}", job.attempt, job.forensics().map(|death| &death.cause));
    }
    assert!(std::fs::write(&file, "hay").is_ok());
    manager.release_job(suspect.id())?;
    println!("released: {}", suspect.output().await?);
    assert!(std::fs::remove_file(file).is_ok());
    let endless = manager.start_job("reader", Read("/".into())).await?;
    wait_for(endless.events(), "started").await;
    let request = CancelRequest::new().by("alice").because("wrong file");
    println!("cancelled: {}", endless.cancel_with(request).await?.is_cancelled());
    if let Some(cancel) = &endless.finished().await.cancellation {
        println!("by {:?}, because {:?}, proven: {}", cancel.by, cancel.reason, cancel.proven_at.is_some());
    }
    manager.shutdown().await
}
