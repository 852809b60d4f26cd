use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use ostler_shm::SharedBuffer;
use ostler_wire::{Attachment, Encoding, Execute, FromWorker, JobId, LogLevel, Payload};
use serde::Serialize;
use uuid::Uuid;

use crate::PluginError;
use crate::outbox::{Outbox, SendError, Until};
use crate::sink::PlainSink;

/// A running job as its plugin sees it: what came with the request, and the ways to be heard.
///
/// It can be shared with threads that the plugin starts. What is said waits while the host does not
/// read: a plugin is never faster than its host for long.
pub struct JobContext {
    outbox: Arc<Outbox>,
    cancelled: Arc<AtomicBool>,
    job: JobId,
    attempt: u32,
    encoding: Encoding,
    streaming: bool,
    deadline: Option<Instant>,
    attachments: Vec<Attachment>,
    next_chunk: Mutex<u64>,
    response_attachments: Mutex<Vec<Attachment>>,
}

impl JobContext {
    pub(crate) fn new(
        outbox: Arc<Outbox>,
        cancelled: Arc<AtomicBool>,
        execute: &Execute,
        received: Instant,
    ) -> Self {
        let left = execute.deadline_ms.map(Duration::from_millis);
        Self {
            outbox,
            cancelled,
            job: execute.job,
            attempt: execute.attempt,
            encoding: execute.payload.encoding(),
            streaming: execute.stream,
            deadline: left.and_then(|left| received.checked_add(left)),
            attachments: execute.payload.attachments().to_vec(),
            next_chunk: Mutex::new(0),
            response_attachments: Mutex::new(Vec::new()),
        }
    }

    /// A context without a host, for a plugin's own tests: what is said goes nowhere.
    pub fn detached(attachments: Vec<Attachment>) -> Self {
        let payload = Payload::from_parts(Encoding::Json, Bytes::new(), attachments);
        let execute = Execute {
            request: 0,
            job: JobId::from_uuid(Uuid::nil()),
            attempt: 1,
            plugin: String::new(),
            deadline_ms: None,
            stream: true,
            payload,
        };
        let outbox = Arc::new(Outbox::new(PlainSink(std::io::sink())));
        Self::new(outbox, Arc::new(AtomicBool::new(false)), &execute, Instant::now())
    }

    /// The job's id.
    pub const fn id(&self) -> JobId {
        self.job
    }

    /// Which attempt of the job this is; the first is 1.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Tells how far the job is: a part from 0 to 1, and what is being done. Anything else is brought
    /// into that range. Waits while the host does not read.
    pub fn progress(&self, fraction: f64, message: impl Into<String>) {
        self.tell_progress(fraction, message.into(), None);
    }

    /// Tells how far the job is, with more of it for programs: any value that JSON can express, such as how many lines were
    /// read, or a preview's place.
    ///
    /// # Errors
    /// JSON cannot express the value.
    pub fn progress_with<T: Serialize + ?Sized>(
        &self,
        fraction: f64,
        message: impl Into<String>,
        data: &T,
    ) -> Result<(), PluginError> {
        let data = serde_json::to_string(data)?;
        self.tell_progress(fraction, message.into(), Some(data));
        Ok(())
    }

    fn tell_progress(&self, fraction: f64, message: String, data: Option<String>) {
        let fraction = if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) };
        let (job, attempt) = (self.job, self.attempt);
        self.say(&FromWorker::Progress { job, attempt, fraction, message, data });
    }

    /// Sends a part of the result, in the encoding of the request. Nothing happens if the host did not
    /// ask for chunks; see [`wants_chunks`](Self::wants_chunks). Waits while the host does not read.
    ///
    /// # Errors
    /// If the chunk cannot be encoded, is over the frame limit, or the host is gone.
    pub fn emit<T: Serialize + ?Sized>(&self, chunk: &T) -> Result<(), PluginError> {
        if !self.streaming {
            return Ok(());
        }
        // Plain bytes are no encoding for a typed chunk.
        let encoding = if self.encoding == Encoding::Bytes { Encoding::Json } else { self.encoding };
        self.emit_payload(Payload::encode(encoding, chunk)?)
    }

    /// Sends a part of the result as it is: for plain bytes, or with attachments.
    ///
    /// # Errors
    /// If the chunk is over the frame limit, or the host is gone.
    pub fn emit_payload(&self, payload: Payload) -> Result<(), PluginError> {
        if !self.streaming {
            return Ok(());
        }
        // Held while sending, so that the numbers go out in order whichever thread sends.
        let mut next = self.next_chunk.lock().unwrap_or_else(PoisonError::into_inner);
        let chunk = self.chunk(*next, false, payload);
        self.outbox.send(&[&chunk], Until::Room).map_err(|error| match error {
            SendError::Frame(error) => PluginError::resource(format!("cannot send a chunk: {error}")),
            SendError::Closed { .. } => PluginError::fatal(format!("cannot send a chunk: {error}")),
        })?;
        *next += 1;
        Ok(())
    }

    /// Whether the host asked for chunks. If not, [`emit`](Self::emit) does nothing.
    pub const fn wants_chunks(&self) -> bool {
        self.streaming
    }

    /// Writes a line to the job's log. Waits while the host does not read.
    pub fn log(&self, level: LogLevel, message: impl Into<String>) {
        self.say(&FromWorker::Log { job: Some(self.job), level, message: message.into() });
    }

    /// Logs that something failed.
    pub fn error(&self, message: impl Into<String>) {
        self.log(LogLevel::Error, message);
    }

    /// Logs that something is odd.
    pub fn warn(&self, message: impl Into<String>) {
        self.log(LogLevel::Warn, message);
    }

    /// Logs something worth knowing.
    pub fn info(&self, message: impl Into<String>) {
        self.log(LogLevel::Info, message);
    }

    /// Logs something for whoever looks for a fault.
    pub fn debug(&self, message: impl Into<String>) {
        self.log(LogLevel::Debug, message);
    }

    /// The first attachment of that name that came with the request.
    pub fn attachment(&self, name: &str) -> Option<&Attachment> {
        self.attachments.iter().find(|attachment| attachment.name == name)
    }

    /// All attachments that came with the request. Large ones lie in memory that the host has shared, without a copy: a
    /// worker trusts its host.
    pub fn attachments(&self) -> &[Attachment] {
        &self.attachments
    }

    /// Adds an attachment to the response.
    pub fn attach(&self, name: impl Into<String>, media_type: impl Into<String>, bytes: impl Into<Bytes>) {
        let attachment = Attachment { name: name.into(), media_type: media_type.into(), bytes: bytes.into() };
        self.response_attachments.lock().unwrap_or_else(PoisonError::into_inner).push(attachment);
    }

    /// Memory for a large part of the response that is shared with the host where that is possible: written in place,
    /// it is not copied to be sent. [Frozen](SharedBuffer::freeze), it can be attached, or be the body of a
    /// [`Payload::raw`]. What it holds at first may be left from an earlier job.
    pub fn buffer(&self, len: usize) -> SharedBuffer {
        self.outbox.arena().buffer(len)
    }

    /// Moves out what was attached to the response so far. The request loop does this at the job's end.
    pub fn take_response_attachments(&self) -> Vec<Attachment> {
        std::mem::take(&mut *self.response_attachments.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether somebody asked this job to stop. A plugin that looks may stop early and tidy up; the
    /// host kills the others. Only a host with a `cancel_grace` asks, or one with a `timeout_grace` when the job's time is
    /// up: without them a cancel and a timeout kill at once.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// When the host gives up on the job, if ever. With a `timeout_grace` it asks the job to end then, and kills it later.
    pub const fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// The chunk that closes the stream, if it was opened.
    pub(crate) fn closing_chunk(&self) -> Option<FromWorker> {
        let next = *self.next_chunk.lock().unwrap_or_else(PoisonError::into_inner);
        (next > 0).then(|| self.chunk(next, true, Payload::empty()))
    }

    const fn chunk(&self, seq: u64, is_final: bool, payload: Payload) -> FromWorker {
        FromWorker::StreamChunk { job: self.job, attempt: self.attempt, seq, is_final, payload }
    }

    /// Says something that is not worth failing a job: without a host, whoever reads ends it anyway.
    fn say(&self, message: &FromWorker) {
        let _ = self.outbox.send(&[message], Until::Room);
    }
}
