//! Steers a pool by hand: settings from a file, a pause, a job whose time is up and whose worker lives on, and the same
//! job once more with more time. Run it: `cargo run -p ostler-examples --bin steer`.
#![expect(clippy::print_stdout, reason = "it shows its results")]

use std::time::Duration;

use ostler::worker::{JobContext, Plugin, PluginError, run_if_worker};
use ostler::{BaseJobManager, JobType, WorkerCommand, WorkerConfig};

/// As it may stand in a file of the host's own.
const SETTINGS: &str = r#"
max_workers = 1
timeout_grace = "10s"
restart_policy = "always"
"#;

#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Count {
    to: u32,
}

impl JobType for Count {
    type Output = String;
}

struct Counter;

impl Plugin for Counter {
    const NAME: &str = "counter";
    type Config = ();
    type Request = Count;
    type Response = String;

    fn load((): ()) -> Result<Self, PluginError> {
        Ok(Counter)
    }
    fn execute(&mut self, count: Count, job: &JobContext) -> Result<String, PluginError> {
        for number in 0..count.to {
            if job.is_cancelled() {
                return Err(format!("it had come to {number}").into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(format!("counted to {}", count.to))
    }
}

struct CountJobs;

impl BaseJobManager<Count> for CountJobs {
    fn worker_type(&self) -> &str {
        "count"
    }
    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe()
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    run_if_worker(|plugins| plugins.register::<Counter>());
    host()
}

#[tokio::main]
async fn host() -> Result<(), Box<dyn std::error::Error>> {
    let config: WorkerConfig = toml::from_str(SETTINGS)?;
    let manager = CountJobs.launch(config).await?;
    let worker = manager.workers()[0].pid;
    manager.pause();
    let slow = manager.job("counter", Count { to: 200 }).timeout(Duration::from_millis(100)).start().await?;
    println!("{}, because: {}", slow.status(), manager.why_waits(slow.id()).ok_or("it began")?);
    manager.resume();
    println!("{}", slow.output().await.err().ok_or("it was too fast")?);
    println!("its worker lives on: {}", manager.workers()[0].pid == worker);
    let again = manager.rerun(slow.id())?.timeout(Duration::from_secs(600)).start().await?;
    println!("{}, as a rerun: {}", again.output().await?, again.finished().await.rerun_of == Some(slow.id()));
    println!("{:?}", manager.counts());
    Ok(manager.shutdown().await?)
}
