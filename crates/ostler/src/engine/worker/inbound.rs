use std::sync::Arc;
use std::time::{Duration, Instant};

use ostler_lifecycle::{
    Category, FailureKind, Input, JobFailure, JobId, PluginKey, RequestId, WorkerFrame, WorkerKey,
};
use ostler_process::WorkerProcess;
use ostler_wire::{Failure, FromWorker, LogLevel, Payload, PluginManifest};
use serde_json::Value;

use super::handshake::Offer;
use super::valve::Valve;
use crate::caught::{drop_of_host, hook, say};
use crate::engine::Core;
use crate::engine::cargo::Cargo;
use crate::engine::wire::Wire;
use crate::error::chain;
use crate::events::{Dropped, EventLog, JobEventKind};
use crate::{JobType, OutputStream};

/// Turns what a worker says and prints into what the machine understands.
pub(super) struct Inbound<J: JobType> {
    core: Arc<Core<J>>,
    worker: WorkerKey,
    process: Arc<dyn WorkerProcess>,
    /// From a job's begin until its result.
    running: Option<Running>,
    /// Two, so that a job that prints too much can still be heard when it logs.
    printed: Valve,
    logged: Valve,
    /// What was dropped while no job ran.
    dropped: Dropped,
    /// When to tell what was dropped.
    drops_due: Option<Instant>,
    /// A line of its job was fed in since the last time that something was read.
    was_told: bool,
}

struct Running {
    job: JobId,
    attempt: u32,
    /// None if the machine knows nothing of it.
    log: Option<Arc<EventLog>>,
}

impl<J: JobType> Inbound<J> {
    pub(super) fn new(core: Arc<Core<J>>, worker: WorkerKey, process: Arc<dyn WorkerProcess>) -> Self {
        let now = Instant::now();
        Self {
            core,
            worker,
            process,
            running: None,
            printed: Valve::new(now),
            logged: Valve::new(now),
            dropped: Dropped::default(),
            drops_due: None,
            was_told: false,
        }
    }

    pub(super) fn spin(&self) -> Duration {
        self.core.settings.spin
    }

    /// What the worker is offered.
    pub(super) fn offer(&self) -> Offer {
        let settings = &self.core.settings;
        Offer {
            shared_memory_bytes: settings.shared_memory_bytes,
            results_in_place: settings.results_in_place,
            ring: !settings.spin.is_zero(),
        }
    }

    pub(super) fn max_frame_bytes(&self) -> usize {
        self.core.settings.max_frame_bytes
    }

    /// The worker has shown that it is the one that was made: it can be spoken to.
    pub(super) fn begin(&self, wire: &Arc<Wire>) {
        if let Some(link) = self.core.lock().links.get_mut(&self.worker) {
            link.wire = Some(Arc::clone(wire));
        }
        self.say(WorkerFrame::Hello);
    }

    pub(super) fn has_job(&self) -> bool {
        self.running.is_some()
    }

    /// Feeds in one message. Returns the log of a job that has grown by it.
    pub(super) fn feed(&mut self, message: FromWorker) -> Option<Arc<EventLog>> {
        let begins = match &message {
            FromWorker::Started { job, attempt, .. } => Some((*job, *attempt)),
            _ => None,
        };
        let ends = matches!(message, FromWorker::Result { .. });
        let (frame, cargo) = self.translate(message)?;
        let grown = self.core.feed(Input::Frame { worker: self.worker, frame }, cargo);
        if let Some((job, attempt)) = begins {
            self.running = Some(Running { job, attempt, log: grown.clone() });
        } else if ends {
            // What was dropped of it was told with its end.
            (self.running, self.drops_due) = (None, None);
        }
        grown
    }

    /// Feeds in a line that the worker printed: it is the job's that runs. Returns that one's log if it has grown.
    pub(super) fn line(&mut self, stream: OutputStream, line: &[u8]) -> Option<Arc<EventLog>> {
        let now = Instant::now();
        if self.drops_due.is_some_and(|due| due <= now) {
            // Before the first line that is kept again, where it belongs.
            self.tell_dropped();
        }
        if let Err(until) = self.printed.admit(now, line.len()) {
            self.drop(line.len(), until);
            return None;
        }
        let text = String::from_utf8_lossy(line).into_owned();
        trace_line(self.worker, self.running.as_ref().map(|running| running.job), stream, &text);
        self.was_told = true;
        let grown = self.feed_printed(JobEventKind::Output { stream, text });
        if grown.is_none()
            && let Some(log) = self.running.as_ref().and_then(|running| running.log.as_ref())
        {
            // It is being killed: what it still prints is counted at its end.
            log.count_dropped(Dropped::line(line.len()));
        }
        grown
    }

    fn feed_printed(&self, event: JobEventKind) -> Option<Arc<EventLog>> {
        let Running { job, attempt, .. } = *self.running.as_ref()?;
        let frame = WorkerFrame::Output { job, attempt };
        self.core.feed(Input::Frame { worker: self.worker, frame }, Cargo::Event(event))
    }

    fn drop(&mut self, bytes: usize, until: Instant) {
        self.drops_due.get_or_insert(until);
        let dropped = Dropped::line(bytes);
        match self.running.as_ref().and_then(|running| running.log.as_ref()) {
            Some(log) => log.count_dropped(dropped),
            None => self.dropped.add(dropped),
        }
    }

    /// When it is time to tell what was dropped, if anything was.
    pub(super) fn drops_due(&self) -> Option<Instant> {
        self.drops_due
    }

    /// Tells what was dropped since the last time. What is dropped of a job later than that is told at its end.
    pub(super) fn tell_dropped(&mut self) {
        self.drops_due = None;
        if let Some(Dropped { lines, bytes }) = self.dropped.take() {
            say!(info, worker = %self.worker, lines, bytes, "it said too much: this was dropped");
        }
        if let Some(Running { job, log: Some(log), .. }) = &self.running
            && let Some(dropped) = log.take_dropped()
            && self.feed_printed(dropped.event_of(*job)).is_none()
        {
            log.count_dropped(dropped);
        }
    }

    /// The job that runs has printed something: also if that was no whole line, or too much, it was not silent.
    pub(super) fn printed(&mut self) {
        if std::mem::take(&mut self.was_told) {
            return;
        }
        if let Some(running) = &self.running {
            let (job, attempt) = (running.job, running.attempt);
            self.say(WorkerFrame::Output { job, attempt });
        }
    }

    /// All was fed in that the worker had said when that was asked for.
    pub(super) fn caught_up(&self) {
        self.core.feed(Input::CaughtUp { worker: self.worker }, Cargo::None);
    }

    /// Feeds in what the worker did not say as a message.
    pub(super) fn say(&self, frame: WorkerFrame) {
        self.core.feed(Input::Frame { worker: self.worker, frame }, Cargo::None);
    }

    /// What the machine calls these plugins.
    fn keys(&self, manifests: &[PluginManifest]) -> Vec<PluginKey> {
        let mut state = self.core.lock();
        manifests.iter().map(|manifest| state.plugin_keys.of(&manifest.name)).collect()
    }

    /// The host's own view of a response, made outside of every lock, before anybody learns that the job ended. Only of one
    /// that counts: of another the machine knows what to think, and what it thinks of it does not depend on the host.
    fn extract(
        &self,
        request: RequestId,
        id: JobId,
        attempt: u32,
        mut response: Payload,
    ) -> (Result<(), JobFailure>, Cargo<J>) {
        let core = &self.core;
        let record = {
            let mut state = core.lock();
            let counts = state.machine.awaits_result(self.worker, request, id, attempt);
            counts.then(|| state.ledger.get(id)).flatten()
        };
        let Some(job) = record else { return (Ok(()), Cargo::None) };
        let attachments = response.attachments().to_vec();
        let extracted = core.host.extract(&job, std::mem::take(&mut response));
        let plugin = job.plugin_id.clone();
        // The record is about to change: nobody should hold it. It may be the last one to hold it.
        drop_of_host(job);
        let why = match extracted {
            Ok(Ok(output)) => return (Ok(()), Cargo::Output(output, attachments)),
            Ok(Err(error)) => hook("the error of extract_job_result", || chain(&*error.into_inner()))
                .unwrap_or_else(|panic| panic.to_string()),
            Err(panic) => panic.to_string(),
        };
        let message = format!("the response of plugin {plugin} cannot be used: {why}");
        (Err(JobFailure::plugin(Category::Fatal, message)), Cargo::None)
    }

    fn translate(&mut self, message: FromWorker) -> Option<(WorkerFrame, Cargo<J>)> {
        Some(match message {
            FromWorker::Hello(_) => (WorkerFrame::Hello, Cargo::None),
            FromWorker::Ready { request, loaded, failed } => {
                let failed = failed.into_iter().map(|failure| (failure.plugin, failure.message)).collect();
                let (request, keys) = (RequestId(request), self.keys(&loaded));
                let resident = self.process.own_memory().unwrap_or_default();
                (WorkerFrame::Ready { request, loaded: keys, failed, resident }, Cargo::Manifests(loaded))
            }
            FromWorker::Started { request, job, attempt } => {
                (WorkerFrame::Started { request: RequestId(request), job, attempt }, Cargo::None)
            }
            FromWorker::Progress { job, attempt, fraction, message, data } => {
                // Not a number is no progress.
                let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
                note(job, attempt, JobEventKind::Progress { fraction, message, data: data.map(json) })
            }
            FromWorker::StreamChunk { job, attempt, seq, is_final, payload } => {
                let event = JobEventKind::Chunk { seq, is_final, payload };
                (WorkerFrame::Chunk { job, attempt, seq }, Cargo::Event(event))
            }
            FromWorker::Log { job, level, message } => {
                if let Err(until) = self.logged.admit(Instant::now(), message.len()) {
                    self.drop(message.len(), until);
                    return None;
                }
                trace(self.worker, job, level, &message);
                // It does not say which attempt.
                let running = self.running.as_ref().filter(|running| Some(running.job) == job)?;
                note(running.job, running.attempt, JobEventKind::Log { level, message })
            }
            FromWorker::Result { request, job, attempt, outcome } => {
                let id = job;
                let (result, cargo) = match outcome {
                    Ok(response) => self.extract(RequestId(request), id, attempt, response),
                    Err(failure) => (Err(of_plugin(failure)), Cargo::None),
                };
                let measures = self.core.settings.measures_jobs;
                let resident = measures.then(|| self.process.own_memory()).flatten().unwrap_or_default();
                (
                    WorkerFrame::Result { request: RequestId(request), job: id, attempt, result, resident },
                    cargo,
                )
            }
            FromWorker::Response { request, result } => {
                (WorkerFrame::Response { request: RequestId(request), result }, Cargo::None)
            }
            FromWorker::State { request, state } => {
                (WorkerFrame::State { request: RequestId(request) }, Cargo::Report(state))
            }
            FromWorker::Pong { .. } => (WorkerFrame::Pong, Cargo::None),
            // It is heard where frames are read.
            FromWorker::Nudge | FromWorker::Segments(_) => return None,
            FromWorker::Error { message } => (WorkerFrame::Fault { message }, Cargo::None),
        })
    }
}

fn note<J: JobType>(job: JobId, attempt: u32, event: JobEventKind) -> (WorkerFrame, Cargo<J>) {
    (WorkerFrame::Note { job, attempt }, Cargo::Event(event))
}

/// What a worker says is JSON; if it is not, nothing of it is lost.
fn json(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

fn trace_line(worker: WorkerKey, job: Option<JobId>, stream: OutputStream, line: &str) {
    if line.is_empty() {
        return;
    }
    let job = job.map(tracing::field::display);
    match stream {
        OutputStream::Stdout => say!(debug, target: "ostler::worker::stdout", %worker, job, "{line}"),
        OutputStream::Stderr => say!(info, target: "ostler::worker::stderr", %worker, job, "{line}"),
    }
}

fn of_plugin(failure: Failure) -> JobFailure {
    let kind = match failure.kind {
        ostler_wire::FailureKind::Plugin => FailureKind::Plugin,
        ostler_wire::FailureKind::Panicked => FailureKind::Panicked,
    };
    JobFailure::new(kind, failure.category, failure.message)
}

fn trace(worker: WorkerKey, job: Option<JobId>, level: LogLevel, message: &str) {
    match level {
        LogLevel::Error => say!(error, %worker, ?job, message),
        LogLevel::Warn => say!(warn, %worker, ?job, message),
        LogLevel::Info => say!(info, %worker, ?job, message),
        LogLevel::Debug => say!(debug, %worker, ?job, message),
        LogLevel::Trace => say!(trace, %worker, ?job, message),
    }
}
