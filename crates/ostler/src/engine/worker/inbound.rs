use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ostler_lifecycle::{Category, FailureKind, Input, JobFailure, JobId, RequestId, WorkerFrame, WorkerKey};
use ostler_wire::{Failure, FromWorker, LogLevel, Payload, PluginManifest};
use uuid::Uuid;

use crate::JobType;
use crate::engine::Core;
use crate::engine::cargo::Cargo;
use crate::error::chain;
use crate::events::{EventLog, JobEventKind};
use crate::job::panic_message;
use crate::process::memory;

/// Turns what a worker says into what the machine understands.
pub(super) struct Inbound {
    pid: u32,
    /// The job that the worker began last, and its attempt: log lines name only the job.
    running: Option<(Uuid, u32)>,
}

impl Inbound {
    pub(super) fn new(pid: u32) -> Self {
        Self { pid, running: None }
    }

    /// Feeds in one message. Returns the log of a job that has grown by it.
    pub(super) fn feed<J: JobType>(
        &mut self,
        core: &Arc<Core<J>>,
        worker: WorkerKey,
        message: FromWorker,
    ) -> Option<Arc<EventLog>> {
        let (frame, cargo) = self.translate(core, worker, message)?;
        core.feed(Input::Frame { worker, frame }, cargo)
    }

    fn translate<J: JobType>(
        &mut self,
        core: &Core<J>,
        worker: WorkerKey,
        message: FromWorker,
    ) -> Option<(WorkerFrame, Cargo<J>)> {
        Some(match message {
            FromWorker::Hello(_) => (WorkerFrame::Hello, Cargo::None),
            FromWorker::Ready { request, loaded, failed } => {
                let resident = memory::resident_of(self.pid).unwrap_or_default();
                let keys = |names: &[PluginManifest]| {
                    let mut state = core.lock();
                    names.iter().map(|manifest| state.plugin_keys.of(&manifest.name)).collect()
                };
                let (request, keys) = (RequestId(request), keys(&loaded));
                let failed = failed.into_iter().map(|failure| (failure.plugin, failure.message)).collect();
                (WorkerFrame::Ready { request, loaded: keys, failed, resident }, Cargo::Manifests(loaded))
            }
            FromWorker::Started { request, job, attempt } => {
                self.running = Some((job, attempt));
                let job = JobId::from_uuid(job);
                (WorkerFrame::Started { request: RequestId(request), job, attempt }, Cargo::None)
            }
            FromWorker::Progress { job, attempt, fraction, message } => {
                // Not a number is no progress.
                let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
                note(job, attempt, JobEventKind::Progress { fraction, message })
            }
            FromWorker::StreamChunk { job, attempt, seq, is_final, payload } => {
                let event = JobEventKind::Chunk { seq, is_final, payload };
                (WorkerFrame::Chunk { job: JobId::from_uuid(job), attempt, seq }, Cargo::Event(event))
            }
            FromWorker::Log { job, level, message } => {
                trace(worker, job, level, &message);
                let (job, attempt) = self.running.filter(|(running, _)| Some(*running) == job)?;
                note(job, attempt, JobEventKind::Log { level, message })
            }
            FromWorker::Result { request, job, attempt, outcome } => {
                let id = JobId::from_uuid(job);
                let (result, cargo) = match outcome {
                    Ok(response) => extract(core, id, response),
                    Err(failure) => (Err(of_plugin(failure)), Cargo::None),
                };
                let measured = core.settings.measures_jobs.then(|| memory::resident_of(self.pid)).flatten();
                let (request, resident) = (RequestId(request), measured.unwrap_or_default());
                (WorkerFrame::Result { request, job: id, attempt, result, resident }, cargo)
            }
            FromWorker::Response { request, result } => {
                (WorkerFrame::Response { request: RequestId(request), result }, Cargo::None)
            }
            FromWorker::State { request, state } => {
                (WorkerFrame::State { request: RequestId(request) }, Cargo::Report(state))
            }
            FromWorker::Pong { .. } => (WorkerFrame::Pong, Cargo::None),
            FromWorker::Error { message } => (WorkerFrame::Fault { message }, Cargo::None),
        })
    }
}

fn note<J: JobType>(job: Uuid, attempt: u32, event: JobEventKind) -> (WorkerFrame, Cargo<J>) {
    (WorkerFrame::Note { job: JobId::from_uuid(job), attempt }, Cargo::Event(event))
}

/// The host's own view of a response, made outside of every lock, before anybody learns that the job ended.
fn extract<J: JobType>(
    core: &Core<J>,
    id: JobId,
    mut response: Payload,
) -> (Result<(), JobFailure>, Cargo<J>) {
    // A stranger: the machine knows what to think of its worker.
    let Some(job) = core.read(|ledger| ledger.get(id)) else { return (Ok(()), Cargo::None) };
    let attachments = response.attachments().to_vec();
    let extracted = catch_unwind(AssertUnwindSafe(|| core.host.extract(&job, std::mem::take(&mut response))));
    let why = match extracted {
        Ok(Ok(output)) => return (Ok(()), Cargo::Output(output, attachments)),
        Ok(Err(error)) => chain(&*error.into_inner()),
        Err(panic) => format!("the host panicked over it: {}", panic_message(&*panic)),
    };
    let message = format!("the response of plugin {} cannot be used: {why}", job.plugin_id);
    (Err(JobFailure::plugin(Category::Fatal, message)), Cargo::None)
}

fn of_plugin(failure: Failure) -> JobFailure {
    let kind = match failure.kind {
        ostler_wire::FailureKind::Plugin => FailureKind::Plugin,
        ostler_wire::FailureKind::Panicked => FailureKind::Panicked,
    };
    JobFailure::new(kind, failure.category, failure.message)
}

fn trace(worker: WorkerKey, job: Option<Uuid>, level: LogLevel, message: &str) {
    let job = job.map(JobId::from_uuid);
    match level {
        LogLevel::Error => tracing::error!(%worker, ?job, message),
        LogLevel::Warn => tracing::warn!(%worker, ?job, message),
        LogLevel::Info => tracing::info!(%worker, ?job, message),
        LogLevel::Debug => tracing::debug!(%worker, ?job, message),
        LogLevel::Trace => tracing::trace!(%worker, ?job, message),
    }
}
