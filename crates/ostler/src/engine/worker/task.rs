use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use ostler_lifecycle::{Input, WorkerExit, WorkerKey};
use ostler_process::{
    ChildExit, Endpoint, OnSwept, OnUnclaimedExit, SpawnError, SpawnSpec, Spawned, Swept, WorkerLimits,
    WorkerProcess,
};
use ostler_wire::env;
use tokio::sync::{Notify, oneshot};

use super::evidence;
use super::session::{Finished, Session};
use super::unread::{Unread, nothing_was_said};
use crate::caught::{caught, hook, say};
use crate::engine::Core;
use crate::engine::cargo::Cargo;
use crate::{HookPanicked, JobType};

/// Starts the task of a worker that is to be made.
pub(in crate::engine) fn spawn<J: JobType>(
    core: &Arc<Core<J>>,
    worker: WorkerKey,
    process: Arc<dyn WorkerProcess>,
    catch_up: Arc<Notify>,
) {
    // Made here and not in the task: a runtime that is gone drops a task before its first step.
    let custody = Custody {
        core: Arc::clone(core),
        worker,
        process,
        catch_up,
        stage: Stage::Unmade,
        exit: None,
        remains: None,
    };
    core.runtime.spawn(run(custody));
}

/// Sees to it that a worker ends and the machine learns of it, if the task is dropped with its runtime.
struct Custody<J: JobType> {
    core: Arc<Core<J>>,
    worker: WorkerKey,
    process: Arc<dyn WorkerProcess>,
    catch_up: Arc<Notify>,
    stage: Stage,
    /// Once it is made. Kept here, so that an exit of which the task was not yet told is not lost with it.
    exit: Option<oneshot::Receiver<ChildExit>>,
    /// Its exit, once the task was told of it and until the machine is.
    remains: Option<ChildExit>,
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
        // Closed first: from then on the maker tells of the exit itself.
        let mut remains = self.remains.take();
        if let Some(exit) = &mut self.exit {
            exit.close();
            remains = remains.or_else(|| exit.try_recv().ok());
        }
        if let Some(remains) = remains {
            let exit = evidence::of(&remains, &self.core.settings.command.limits);
            self.core.feed(ended(self.worker, exit, &remains), Cargo::None);
        }
        // What is refused lives until its socket is closed, which is soon; nobody is left who could be told.
        match hook("Maker::kill", || self.process.kill()) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => say!(error, worker = %self.worker, %error, "a worker could not be killed"),
            Err(panic) => say!(error, worker = %self.worker, "{panic}"),
        }
        if self.stage == Stage::Unmade {
            let message = "the runtime of the manager is gone".to_owned();
            self.core.feed(Input::SpawnFailed { worker: self.worker, message }, Cargo::None);
        }
    }
}

async fn run<J: JobType>(mut custody: Custody<J>) {
    let (core, worker) = (Arc::clone(&custody.core), custody.worker);
    // Whoever waited for the end that made room for this worker goes first: where the cores are few, the making of a
    // process takes one for a millisecond. Without this, a cancel took up to six times as long as the death.
    tokio::task::yield_now().await;
    let made = tokio::select! {
        biased;
        made = make(&core, worker, &*custody.process) => made,
        never = nothing_was_said(&core, worker, &custody.catch_up) => match never {},
    };
    match made {
        Ok((endpoint, spawned, swept)) => {
            custody.stage = Stage::Made;
            let Spawned { pid, output, exit } = spawned;
            let exit = custody.exit.insert(exit);
            core.feed(Input::WorkerSpawned { worker, pid }, Cargo::None);
            let unread = Unread::new(Arc::clone(&custody.process), Arc::clone(&custody.catch_up));
            let mut session =
                Session::new(Arc::clone(&core), worker, Arc::clone(&custody.process), output, unread);
            let remains = accompany(&mut session, (worker, &*custody.process), endpoint, exit).await;
            // Until it is fed in: what comes between is also the host's code.
            custody.remains = Some(remains.clone());
            let exit = last_words(&mut session, &remains, &core.settings.command.limits);
            custody.stage = Stage::Ended;
            // A shutdown is not over before that.
            let sweeping = core.sweeping();
            core.feed(ended(worker, exit, &remains), Cargo::None);
            // Not before: to close its socket and pipes takes longer than to tell those who wait.
            drop(session);
            if let Ok(swept) = swept.await {
                core.swept(worker, pid, swept);
            }
            drop(sweeping);
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
    process: &dyn WorkerProcess,
) -> Result<(Endpoint, Spawned, oneshot::Receiver<Swept>), SpawnError> {
    let endpoint = Endpoint::open()
        .map_err(|source| SpawnError::System { what: "listen for its connection", source })?;
    let mut spec: SpawnSpec = core.settings.command.clone();
    spec.env.push((env::SOCKET.into(), endpoint.name().into()));
    spec.env.push((env::TOKEN.into(), endpoint.token_text().into()));
    let of_nobody = Arc::clone(core);
    let unclaimed: OnUnclaimedExit = Box::new(move |remains| {
        let exit = evidence::of(&remains, &of_nobody.settings.command.limits);
        of_nobody.feed(ended(worker, exit, &remains), Cargo::None);
    });
    let (sender, swept) = oneshot::channel();
    let on_swept: OnSwept = Box::new(move |swept| {
        // Without a runtime nobody keeps records any more.
        let _ = sender.send(swept);
    });
    let spawned = caught(async { process.spawn(spec, unclaimed, on_swept).await }).await;
    let panicked = |panic: Box<dyn Any + Send>| {
        Err(SpawnError::Other(HookPanicked::new("Maker::spawn", &*panic).to_string()))
    };
    Ok((endpoint, spawned.unwrap_or_else(panicked)?, swept))
}

/// Talks with a worker until it is dead.
async fn accompany<J: JobType>(
    session: &mut Session<J>,
    (worker, process): (WorkerKey, &dyn WorkerProcess),
    endpoint: Endpoint,
    exit: &mut oneshot::Receiver<ChildExit>,
) -> ChildExit {
    tokio::select! {
        // What the dead still said is heard in any case, and faster at once.
        biased;
        exit = exit => exit.unwrap_or_else(|_| {
            say!(error, %worker, "its maker does not say how a worker ended: it is killed, and taken for dead");
            if let Ok(Err(error)) = hook("Maker::kill", || process.kill()) {
                say!(error, %worker, %error, "a worker could not be killed");
            }
            ChildExit::unknown()
        }),
        never = session.run(endpoint) => match never {},
    }
}

/// Hears what a dead worker has still said. All that is known of its end.
fn last_words<J: JobType>(
    session: &mut Session<J>,
    remains: &ChildExit,
    limits: &WorkerLimits,
) -> WorkerExit {
    let Finished { torn_frame, untaken, stderr } = session.finish();
    let exit = evidence::with_stderr(evidence::of(remains, limits), stderr, limits);
    WorkerExit { torn_frame, untaken, ..exit }
}

/// What the machine is told of an end: a process that never executed its program was no worker.
fn ended(worker: WorkerKey, exit: WorkerExit, remains: &ChildExit) -> Input {
    match &remains.failure {
        Some(failure) => Input::SpawnFailed { worker, message: failure.to_string() },
        None => Input::WorkerExited { worker, exit },
    }
}
