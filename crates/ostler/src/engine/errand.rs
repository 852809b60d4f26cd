use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ostler_lifecycle::{Admission, Input, JobId, Ticket, WorkerKey};
use ostler_wire::Execute;

use super::active::Active;
use super::cargo::Cargo;
use super::host::BoxFuture;
use super::perform::note_sent;
use super::wire::Wire;
use super::{Core, worker};
use crate::caught::caught;
use crate::events::EventLog;
use crate::job::panic_message;
use crate::manager::JobManager;
use crate::process::Process;
use crate::{Job, JobType};

/// What must not be done under the lock, in order.
pub(super) struct Errands<J: JobType>(VecDeque<Errand<J>>);

pub(super) enum Errand<J: JobType> {
    /// Make a worker.
    Spawn(WorkerKey, Process),
    /// Copy a large job, and send it.
    Deliver(WorkerKey, Arc<Wire>, Box<Execute>),
    /// Ask the resource hook.
    Ask(JobId, Ticket),
    /// Tell the hook that a job completed.
    Completed(Arc<Job<J>>),
    /// Drop what an ended job held: it may be large, and its drop is the host's code.
    Forget(Remains<J>),
    /// Drop what came with an input and was not wanted.
    Unload(Cargo<J>),
}

/// What is left of a job that has ended, and the record and the logs that had to make room for its own.
pub(super) struct Remains<J: JobType> {
    pub(super) _active: Active<J>,
    pub(super) _evicted: Option<Arc<Job<J>>>,
    pub(super) _logs: Vec<Arc<EventLog>>,
}

impl<J: JobType> Default for Errands<J> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<J: JobType> Errands<J> {
    pub(super) fn push(&mut self, errand: Errand<J>) {
        self.0.push_back(errand);
    }

    /// Runs them, and those that they lead to, one after the other.
    pub(super) fn run(mut self, core: &Arc<Core<J>>) {
        while let Some(errand) = self.0.pop_front() {
            match errand {
                Errand::Spawn(worker, process) => worker::spawn(core, worker, process),
                Errand::Deliver(worker, wire, job) => note_sent(worker, wire.deliver(*job)),
                Errand::Ask(job, ticket) => {
                    if let Some(answer) = ask(core, job, ticket) {
                        let input = Input::Admission { job, ticket, answer };
                        core.step(&mut core.lock(), input, Cargo::None, &mut self);
                    }
                }
                Errand::Completed(job) => tell_completed(core, job),
                // A panic in it must not keep the rest from being done.
                Errand::Forget(job) => drop_of_host(job),
                Errand::Unload(cargo) => drop_of_host(cargo),
            }
        }
    }
}

fn drop_of_host<T>(value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        tracing::error!(message = panic_message(&*panic), "a value of the host panicked when it was dropped");
    }
}

/// Asks the hook, and answers for it at once if it need not wait; else its answer is fed in later.
fn ask<J: JobType>(core: &Arc<Core<J>>, job: JobId, ticket: Ticket) -> Option<Admission> {
    let (plugin, name) = {
        let state = core.lock();
        // If it is gone it was cancelled, and the machine drops the answer.
        let active = state.active.get(&job)?;
        (active.cell.plugin.clone(), state.plugin_keys.name(active.plugin))
    };
    let (config, workers, host) = (core.catalog().config(&name), core.workers(), Arc::clone(&core.host));
    let question = async move { host.validate(&plugin, &config, &workers).await };
    let mut answer: BoxFuture<'static, Admission> = Box::pin(async move {
        caught(question).await.unwrap_or_else(|panic| {
            let message = panic_message(&*panic);
            Admission::Refuse { reason: format!("the resource hook panicked: {message}") }
        })
    });
    // Whoever feeds in may be no thread of the runtime.
    let _runtime = core.runtime.enter();
    if let Poll::Ready(answer) = answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return Some(answer);
    }
    let later = Arc::clone(core);
    core.runtime.spawn(async move {
        let input = Input::Admission { job, ticket, answer: answer.await };
        later.feed(input, Cargo::None);
    });
    None
}

fn tell_completed<J: JobType>(core: &Arc<Core<J>>, job: Arc<Job<J>>) {
    if !core.settings.own_hooks.hears_of_completion {
        return;
    }
    let (manager, host) = (JobManager::for_hook(core), Arc::clone(&core.host));
    core.spawn_hook(async move {
        if let Err(panic) = caught(host.completed(&manager, &job)).await {
            let message = panic_message(&*panic);
            tracing::error!(job = %job.id, plugin = %job.plugin_id, message, "on_job_completed panicked");
        }
    });
}
