//! Functions as plugins: typed, on plain bytes, and one that is asynchronous inside. Run it:
//! `cargo run -p ostler-examples --bin functions`.
#![expect(clippy::print_stdout, reason = "it shows its results")]

use std::time::Duration;

use ostler::worker::{Bytes, PluginError, PluginSet, run_if_worker};
use ostler::{BaseJobManager, JobType, WorkerCommand, WorkerConfig, as_completed};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Number(u64);
impl JobType for Number {
    type Output = u64;
}

fn register_all(plugins: &mut PluginSet) {
    plugins.function("double", |n: Number, _| Ok(n.0 * 2));
    plugins.function("reverse", |bytes: Bytes, _| Ok(bytes.iter().rev().copied().collect::<Bytes>()));
    plugins.function("wait", |n: Number, job| {
        // A worker has no runtime. A plugin that needs one makes it: when it is first used, or in `Plugin::load`.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            tokio::time::sleep(Duration::from_millis(n.0)).await;
            job.progress_with(1.0, "waited", &n)?;
            Ok::<_, PluginError>(n.0)
        })
    });
}

struct Numbers;
impl BaseJobManager<Number> for Numbers {
    fn worker_type(&self) -> &str {
        "numbers"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe()
    }
}

/// `Bytes` is a type of jobs by itself.
struct Raw;
impl BaseJobManager<Bytes> for Raw {
    fn worker_type(&self) -> &str {
        "raw"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe()
    }
}

fn main() -> ostler::Result<()> {
    run_if_worker(register_all);
    host()
}

#[tokio::main]
async fn host() -> ostler::Result<()> {
    let raw = Raw.launch(WorkerConfig::default()).await?;
    let reversed = raw.start_job("reverse", Bytes::from_static(b"reltso")).await?.await?;
    println!("{}", String::from_utf8_lossy(&reversed));

    let numbers = Numbers.launch(WorkerConfig { max_workers: 2, ..WorkerConfig::default() }).await?;
    println!("{:?}", numbers.map("double", (1..=3).map(Number)).await?);
    let (slow, fast) =
        (numbers.start_job("wait", Number(3000)).await?, numbers.start_job("wait", Number(1)).await?);
    let mut ended = as_completed([slow, fast]);
    while let Some(job) = ended.next().await {
        println!("waited {} ms", job.await?);
    }
    raw.shutdown().await?;
    numbers.shutdown().await
}
