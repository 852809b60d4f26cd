//! A host whose workers are another binary, `own_worker`, so that it need not link what its plugins need. Run it:
//! `cargo build -p ostler-examples && cargo run -p ostler-examples --bin own_worker_host`.
#![expect(clippy::print_stdout, reason = "it shows its results")]

use std::path::PathBuf;

use ostler::{BaseJobManager, JobType, WorkerCommand, WorkerConfig};
use serde::{Deserialize, Serialize};

/// In bincode a struct of one field is that field: the worker's request is a String.
#[derive(Clone, Serialize, Deserialize)]
struct Reverse(String);

impl JobType for Reverse {
    type Output = String;
}

struct ReverseJobs {
    worker: PathBuf,
}

impl BaseJobManager<Reverse> for ReverseJobs {
    fn worker_type(&self) -> &str {
        "reverse"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::program(&self.worker)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let worker = std::env::current_exe()?.with_file_name("own_worker");
    let config = WorkerConfig { max_workers: 2, ..WorkerConfig::default() };
    let manager = ReverseJobs { worker }.launch(config).await?;
    let jobs = [
        manager.start_job("reverser", Reverse("reltso".into())).await?,
        manager.start_job("reverser", Reverse("esroh".into())).await?,
    ];
    for job in &jobs {
        println!("{}", job.output().await?);
    }
    Ok(manager.shutdown().await?)
}
