use std::sync::Arc;
use std::time::Duration;

use ostler_lifecycle::{ExitStatus, Input, WorkerExit, WorkerFrame, WorkerKey};
use ostler_wire::env;
use tokio::sync::oneshot;

use super::session::Session;
use crate::JobType;
use crate::engine::Core;
use crate::engine::cargo::Cargo;
use crate::process::{ChildExit, ChildOutput, Endpoint, OnUnclaimedExit, Process, SpawnSpec, Spawned};

/// Starts the task of a worker that is to be made.
pub(in crate::engine) fn spawn<J: JobType>(core: &Arc<Core<J>>, worker: WorkerKey, process: Process) {
    // Made here and not in the task: a runtime that is gone drops a task before its first step.
    let custody = Custody { core: Arc::clone(core), worker, process, stage: Stage::Unmade, exit: None };
    core.runtime.spawn(run(custody));
}

/// Sees to it that a worker ends and the machine learns of it, if the task is dropped with its runtime.
struct Custody<J: JobType> {
    core: Arc<Core<J>>,
    worker: WorkerKey,
    process: Process,
    stage: Stage,
    /// Once it is made. Kept here, so that an exit of which the task was not yet told is not lost with it.
    exit: Option<oneshot::Receiver<ChildExit>>,
}

#[derive(PartialEq, Eq)]
enum Stage {
    Unmade,
    Made,
    Ended,
}

impl<J: JobType> Drop for Custody<J> {
    fn drop(&mut self) {
        if self.stage == Stage::Ended {
            return;
        }
        // The reason goes before everything else: a death without one would be a crash.
        self.core.shut_down_within(Duration::ZERO);
        // Closed first: from then on the supervisor tells of the exit itself.
        if let Some(exit) = &mut self.exit {
            exit.close();
            if let Ok(remains) = exit.try_recv() {
                let exit = evidence(&remains, String::new());
                self.core.feed(Input::WorkerExited { worker: self.worker, exit }, Cargo::None);
            }
        }
        self.process.kill();
        if self.stage == Stage::Unmade {
            let message = "the runtime of the manager is gone".to_owned();
            self.core.feed(Input::SpawnFailed { worker: self.worker, message }, Cargo::None);
        }
    }
}

async fn run<J: JobType>(mut custody: Custody<J>) {
    let (core, worker) = (Arc::clone(&custody.core), custody.worker);
    match make(&core, worker, &custody.process).await {
        Ok((endpoint, spawned)) => {
            custody.stage = Stage::Made;
            let Spawned { pid, output, exit } = spawned;
            let exit = custody.exit.insert(exit);
            core.feed(Input::WorkerSpawned { worker, pid }, Cargo::None);
            let exit = accompany(&core, worker, pid, endpoint, output, exit).await;
            custody.stage = Stage::Ended;
            core.feed(Input::WorkerExited { worker, exit }, Cargo::None);
        }
        Err(error) => {
            custody.stage = Stage::Ended;
            let message = error.to_string();
            core.feed(Input::SpawnFailed { worker, message }, Cargo::None);
        }
    }
}

async fn make<J: JobType>(
    core: &Arc<Core<J>>,
    worker: WorkerKey,
    process: &Process,
) -> std::io::Result<(Endpoint, Spawned)> {
    let endpoint = Endpoint::open()?;
    let mut spec: SpawnSpec = core.settings.command.clone();
    spec.env.push((env::SOCKET.into(), endpoint.name().into()));
    spec.env.push((env::TOKEN.into(), endpoint.token_text().into()));
    let of_nobody = Arc::clone(core);
    let unclaimed: OnUnclaimedExit = Box::new(move |remains| {
        let exit = evidence(&remains, String::new());
        of_nobody.feed(Input::WorkerExited { worker, exit }, Cargo::None);
    });
    let spawned = process.spawn(spec, unclaimed).await?;
    Ok((endpoint, spawned))
}

/// Talks with a worker until it is dead and nothing of what it said is left.
async fn accompany<J: JobType>(
    core: &Arc<Core<J>>,
    worker: WorkerKey,
    pid: u32,
    endpoint: Endpoint,
    output: ChildOutput,
    exit: &mut oneshot::Receiver<ChildExit>,
) -> WorkerExit {
    let mut session = Session::new(Arc::clone(core), worker, output);
    let remains = tokio::select! {
        exit = exit => exit.unwrap_or(UNKNOWN),
        never = session.run(endpoint, pid) => match never {},
    };
    let (torn, stderr_tail) = session.finish();
    // A worker that died of a signal could not finish its frame; one that exited should have.
    if let (Some(message), ExitStatus::Code(_)) = (torn, remains.status) {
        core.feed(Input::Frame { worker, frame: WorkerFrame::Fault { message } }, Cargo::None);
    }
    evidence(&remains, stderr_tail)
}

/// The supervisor always answers; this is for the compiler.
const UNKNOWN: ChildExit =
    ChildExit { status: ExitStatus::Unknown, cpu_time: Duration::ZERO, peak_memory: 0 };

fn evidence(remains: &ChildExit, stderr_tail: String) -> WorkerExit {
    let ChildExit { status, cpu_time, peak_memory } = *remains;
    WorkerExit { status, cpu_time, peak_memory, stderr_tail }
}
