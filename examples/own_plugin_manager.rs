//! A plugin manager of one's own: here every executable file of a directory is a plugin. Run it:
//! `cargo run -p ostler-examples --bin own_plugin_manager`.
#![expect(clippy::print_stdout, reason = "it shows its results")]

use std::process::Command;

use ostler::worker::{JobContext, PluginConfig};
use ostler::worker::{PluginError, PluginManager, PluginManifest, run_if_worker_with};
use ostler::{BaseJobManager, JobType, Payload, WorkerCommand, WorkerConfig};
use serde::{Deserialize, Serialize};

/// Programs that are plugins: a job's text is the argument, what is printed is the answer.
struct Programs(&'static [&'static str]);

impl PluginManager for Programs {
    fn discover_plugins(&self) -> Vec<PluginManifest> {
        self.0.iter().map(|name| PluginManifest::new(*name).category("programs")).collect()
    }

    fn load_plugin(&mut self, _: &str, _: &PluginConfig) -> Result<(), PluginError> {
        Ok(())
    }

    fn execute_plugin(
        &mut self,
        name: &str,
        request: Payload,
        _: &JobContext,
    ) -> Result<Payload, PluginError> {
        let argument: String = request.decode()?;
        let output = Command::new(name).arg(argument).output()?;
        if !output.status.success() {
            return Err(PluginError::fatal(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        let answer = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(Payload::encode(request.encoding(), &answer)?)
    }

    fn unload_plugin(&mut self, _: &str) -> Result<(), PluginError> {
        Ok(())
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Run(String);

impl JobType for Run {
    type Output = String;
}

struct ProgramJobs;

impl BaseJobManager<Run> for ProgramJobs {
    fn worker_type(&self) -> &str {
        "programs"
    }

    fn get_worker_entry_point(&self) -> WorkerCommand {
        WorkerCommand::current_exe()
    }
}

fn main() -> ostler::Result<()> {
    run_if_worker_with(|| Programs(&["basename", "dirname"]));
    host()
}

#[tokio::main]
async fn host() -> ostler::Result<()> {
    let manager = ProgramJobs.launch(WorkerConfig::default()).await?;
    for plugin in manager.plugins().iter() {
        let job = manager.start_job(&plugin.name, Run("/stable/horse".into())).await?;
        println!("{}: {}", plugin.name, job.output().await?);
    }
    manager.shutdown().await
}
