//! Cancels a job that never ends, and goes on with a fresh worker. Run it:
//! `cargo run -p ostler-examples --bin cancel_and_restart`.
#![expect(clippy::print_stdout, reason = "it shows its results")]

use ostler::worker::{JobContext, Plugin, PluginError, run_if_worker};
use ostler::{BaseJobManager, JobEventKind, JobType, WorkerCommand, WorkerConfig};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
enum Dig {
    Forever,
    Once,
}

impl JobType for Dig {
    type Output = u32;
}

struct Digger;

impl Plugin for Digger {
    const NAME: &str = "digger";
    type Config = ();
    type Request = Dig;
    type Response = u32;

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Digger)
    }

    fn execute(&mut self, dig: Dig, _: &JobContext) -> Result<u32, PluginError> {
        match dig {
            // It asks nobody and listens to nobody, like many a native library.
            Dig::Forever => loop {
                std::hint::spin_loop();
            },
            Dig::Once => Ok(std::process::id()),
        }
    }
}

struct DigJobs;

impl BaseJobManager<Dig> for DigJobs {
    fn worker_type(&self) -> &str {
        "dig"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe()
    }
}

fn main() -> ostler::Result<()> {
    run_if_worker(|plugins| plugins.register::<Digger>());
    host()
}

#[tokio::main]
async fn host() -> ostler::Result<()> {
    let manager = DigJobs.launch(WorkerConfig::default()).await?;
    let first = manager.start_job("digger", Dig::Once).await?.output().await?;

    let endless = manager.start_job("digger", Dig::Forever).await?;
    let mut events = endless.events();
    while let Some(Ok(event)) = events.next().await {
        if matches!(event.kind, JobEventKind::Started { .. }) {
            // True means: the process that ran it is dead, and all of its group.
            println!("cancelled: {}", endless.cancel().await?.is_cancelled());
        }
    }
    println!("the first worker still runs: {}", std::fs::exists(format!("/proc/{first}")).unwrap_or(true));

    let second = manager.start_job("digger", Dig::Once).await?.output().await?;
    println!("another worker goes on: {}", first != second);
    manager.shutdown().await
}
