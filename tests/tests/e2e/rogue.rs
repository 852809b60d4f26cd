//! What the host makes of a worker that misbehaves. The binary `rogue` shares no code with the project, and so
//! proves `docs/wire.md` as well.

mod jobs;
mod memory;
mod processes;
mod start;
mod well_behaved;

use std::path::PathBuf;

use ostler::{JobFailure, JobManager, JobType, WorkerCommand};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use crate::support::{any, failed, group, scratch, started};

const ROGUE: &str = env!("CARGO_BIN_EXE_rogue");

/// What the rogue returns as it came.
#[derive(Clone, Serialize, Deserialize)]
struct Echo(String);

impl JobType for Echo {
    type Output = String;
}

fn echo(text: &str) -> Echo {
    Echo(text.to_owned())
}

fn rogue(mode: &str) -> WorkerCommand {
    WorkerCommand::program(ROGUE).arg(mode)
}

/// A worker that misbehaves, and after it only good ones.
struct Once {
    mode: &'static str,
    directory: TempDir,
}

impl Once {
    fn new(mode: &'static str) -> Self {
        Self { mode, directory: scratch() }
    }

    fn command(&self) -> WorkerCommand {
        let script = r#"mkdir "$3" 2> /dev/null && exec "$1" "$2" "$4"; exec "$1" well-behaved"#;
        let flag = self.directory.path().join("flag");
        let command = WorkerCommand::program("/bin/sh").arg("-c").arg(script).arg("sh");
        command.arg(ROGUE).arg(self.mode).arg(flag).arg(self.file())
    }

    /// Where some modes leave a note.
    fn file(&self) -> PathBuf {
        self.directory.path().join("note")
    }

    async fn launch(&self) -> JobManager<Echo> {
        any(self.command()).launch().await.unwrap()
    }
}

/// How a job fails that meets the misbehaviour. Nothing is left of its worker then, the next job runs on a fresh
/// one, and after the shutdown nothing is left at all.
async fn fails_once(mode: &'static str) -> JobFailure {
    let once = Once::new(mode);
    let manager = once.launch().await;
    let job = manager.start_job("echo", echo("lost")).await.unwrap();
    let failure = failed(&job).await;
    let first = job.finished().await.worker_pid;
    if let Some(pid) = first {
        assert_eq!(group(pid), [0; 0]);
        assert_eq!(failure.forensics.as_ref().unwrap().pid, first);
    }
    next_job_runs(&manager, first).await;
    failure
}

/// On another worker than that; then the manager ends.
async fn next_job_runs(manager: &JobManager<Echo>, former: Option<u32>) {
    let next = manager.start_job("echo", echo("next")).await.unwrap();
    let pid = started(&next).await;
    assert_eq!(next.output().await.unwrap(), "next");
    assert_ne!(Some(pid), former);
    manager.shutdown().await.unwrap();
    assert_eq!(group(pid), [0; 0]);
}
