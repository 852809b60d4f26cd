use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ostler_lifecycle::{Admission, Input, JobId, Ticket, WorkerKey};
use ostler_process::WorkerProcess;
use ostler_wire::Execute;
use tokio::sync::Notify;

use super::active::Active;
use super::cargo::Cargo;
use super::expiry::Expired;
use super::host::BoxFuture;
use super::perform::note_sent;
use super::wire::Wire;
use super::{Core, worker};
use crate::caught::{OfHost, caught, drop_of_host, say};
use crate::events::EventLog;
use crate::manager::JobManager;
use crate::{HookPanicked, Job, JobStatus, JobType};

/// What must not be done under the lock, in order.
pub(super) struct Errands<J: JobType>(VecDeque<Errand<J>>);

pub(super) enum Errand<J: JobType> {
    /// Make a worker.
    Spawn(WorkerKey, Arc<dyn WorkerProcess>, Arc<Notify>),
    /// Copy a large job, and send it.
    Deliver(WorkerKey, Arc<Wire>, Box<Execute>),
    /// Ask the resource hook.
    Ask(JobId, Ticket),
    /// Tell the hook that a job has ended.
    Ended(Arc<Job<J>>),
    /// Drop what an ended job held: it may be large, and its drop is the host's code.
    Forget(Remains<J>),
    /// Drop what is left of jobs that ended long ago.
    Expire(Expired<J>),
    /// Drop what came with an input and was not wanted.
    Unload(Cargo<J>),
    /// Drop a record that could not be kept.
    Drop(Option<Arc<Job<J>>>),
    /// Say that the shutdown is complete, when all hooks for ended jobs were called. With the processes that do not die.
    Close(Vec<u32>),
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
                Errand::Spawn(worker, process, catch_up) => worker::spawn(core, worker, process, catch_up),
                Errand::Deliver(worker, wire, job) => note_sent(worker, wire.deliver(*job)),
                Errand::Ask(job, ticket) => {
                    if let Some(answer) = ask(core, job, ticket) {
                        let input = Input::Admission { job, ticket, answer };
                        core.step(&mut core.lock(), input, Cargo::None, &mut self);
                    }
                }
                Errand::Ended(job) => tell_ended(core, job),
                // A panic in it must not keep the rest from being done.
                Errand::Forget(job) => drop_of_host(job),
                Errand::Expire(jobs) => jobs.into_iter().for_each(drop_of_host),
                Errand::Unload(cargo) => drop_of_host(cargo),
                Errand::Drop(record) => drop_of_host(record),
                Errand::Close(still_dying) => core.close(still_dying),
            }
        }
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
    let answer: BoxFuture<'static, Admission> = Box::pin(async move {
        caught(question).await.unwrap_or_else(|panic| {
            let panic = HookPanicked::new("validate_resources", &*panic);
            Admission::Refuse { reason: panic.to_string() }
        })
    });
    let mut answer = OfHost::new(answer);
    // Whoever feeds in may be no thread of the runtime.
    let _runtime = core.runtime.enter();
    let future = answer.get_mut()?;
    if let Poll::Ready(answer) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return Some(answer);
    }
    let later = Arc::clone(core);
    core.runtime.spawn(async move {
        // The machine does not wait for longer either: see `hook_timed_out`. Nobody else would ever drop the question.
        let patience = later.settings.hook_timeout;
        let mut closed = later.closed.subscribe();
        let Some(future) = answer.get_mut() else { return };
        tokio::select! {
            // Time in which the host did not run is no reason to miss an answer that is there.
            biased;
            answer = future => {
                later.feed(Input::Admission { job, ticket, answer }, Cargo::None);
            }
            () = tokio::time::sleep(patience) => {}
            // What waits ends with the manager.
            _ = closed.wait_for(Option::is_some) => {}
        }
    });
    None
}

/// Calls the hook for a job that has ended, if the host has one.
fn tell_ended<J: JobType>(core: &Arc<Core<J>>, job: Arc<Job<J>>) {
    let (manager, host) = (JobManager::for_hook(core), Arc::clone(&core.host));
    core.spawn_hook(async move {
        if let Err(panic) = caught(host.ended(&manager, &job)).await {
            let panic = HookPanicked::new(name_of_hook(job.status), &*panic);
            say!(error, job = %job.id, plugin = %job.plugin_id, "{panic}");
        }
        drop_of_host(job);
    });
}

fn name_of_hook(status: JobStatus) -> &'static str {
    match status {
        JobStatus::Completed => "on_job_completed",
        JobStatus::Cancelled => "on_job_cancelled",
        _ => "on_job_failed",
    }
}
