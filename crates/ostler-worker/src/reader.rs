use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ostler_shm::Descriptors;
use ostler_wire::{Execute, FrameError, FromWorker, Init, Message, SegmentNews, ToWorker, frame};

use crate::ServeError;
use crate::courier::Courier;
use crate::outbox::Until;
use crate::shared::Shared;
use crate::source::Source;
use crate::spin::Spin;

/// One read takes up to this many bytes.
const READ_BYTES: usize = 128 * 1024;

/// What is left to the main thread.
pub(crate) enum Command {
    Init(Init),
    Execute(Accepted),
    Reload {
        request: u64,
        plugin: String,
        config: String,
    },
    Unload {
        request: u64,
        plugin: String,
    },
    Stop {
        request: u64,
    },
    /// The connection has ended, and why. Nothing follows.
    Ended(ServeError),
}

/// A job that has come: when it came, the flag that a cancel sets, and why a part of its request could not be had.
pub(crate) struct Accepted {
    pub(crate) execute: Execute,
    pub(crate) received: Instant,
    pub(crate) cancelled: Arc<AtomicBool>,
    pub(crate) loss: Option<String>,
}

/// Reads what the host says. It answers by itself what must be answered while a plugin computes.
pub(crate) struct Reader {
    source: Box<dyn Source>,
    shared: Arc<Shared>,
    on_hang_up: Option<Box<dyn FnOnce() + Send>>,
    spin: Spin,
    courier: Courier,
    chunk: Vec<u8>,
    buffer: BytesMut,
    descriptors: Descriptors,
    /// Read, and not yet handed out.
    commands: VecDeque<Command>,
}

impl Reader {
    pub(crate) fn new(
        source: Box<dyn Source>,
        shared: Arc<Shared>,
        on_hang_up: Box<dyn FnOnce() + Send>,
    ) -> Self {
        Self {
            source,
            courier: Courier::new(Arc::clone(&shared.outbox)),
            shared,
            on_hang_up: Some(on_hang_up),
            spin: Spin::none(),
            chunk: vec![0; READ_BYTES],
            buffer: BytesMut::new(),
            descriptors: Descriptors::new(),
            commands: VecDeque::new(),
        }
    }

    /// Waits for the next command for the main thread.
    pub(crate) fn next(&mut self) -> Command {
        loop {
            if let Some(command) = self.commands.pop_front() {
                return command;
            }
            match self.spin.read(&mut *self.source, &mut self.chunk, &mut self.descriptors) {
                Ok(0) => {
                    let torn = frame::finish(&self.buffer);
                    return self.end(torn.map_or_else(ServeError::Frame, |()| ServeError::HungUp));
                }
                Ok(count) => {
                    self.buffer.extend_from_slice(&self.chunk[..count]);
                    self.take_frames();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.end(ServeError::Read(error)),
            }
        }
    }

    /// Goes through all that was read: a cancel may stand right behind its job.
    fn take_frames(&mut self) {
        loop {
            match self.take_frame() {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    let ended = self.end(ServeError::Frame(error));
                    return self.commands.push_back(ended);
                }
            }
        }
    }

    /// Takes one frame, if there is one.
    fn take_frame(&mut self) -> Result<bool, FrameError> {
        let arena = self.shared.outbox.arena();
        let mut intake = arena.intake(&mut self.descriptors);
        let limit = self.shared.outbox.limit();
        let message = frame::decode_shared(&mut self.buffer, limit, |place| intake.take(place))?;
        let loss = intake.finish(self.buffer.is_empty()).map_err(wrong)?;
        match message {
            Some(ToWorker::Segments(news)) => self.hear(news)?,
            Some(message) => self.take(message, loss),
            None => return Ok(false),
        }
        Ok(true)
    }

    fn hear(&self, news: SegmentNews) -> Result<(), FrameError> {
        self.shared.outbox.arena().hear(news).map_err(wrong)
    }

    fn take(&mut self, message: ToWorker, loss: Option<String>) {
        let command = match message {
            ToWorker::Segments(_) => return,
            ToWorker::Ping { request } => return self.answer(&FromWorker::Pong { request }),
            ToWorker::GetState { request } => {
                return self.answer(&FromWorker::State { request, state: self.shared.report() });
            }
            ToWorker::Cancel { request, job } => {
                return self.answer(&FromWorker::Response { request, result: self.shared.cancel(job) });
            }
            ToWorker::Init(init) => {
                // Set here and not later: the next frame is read before the main thread sees this one.
                let limit = usize::try_from(init.max_frame_bytes).unwrap_or(usize::MAX);
                self.shared.outbox.set_limit(limit);
                if self.source.brings_descriptors() {
                    let shared = usize::try_from(init.shared_memory_bytes).unwrap_or(usize::MAX);
                    self.shared.outbox.arena().open(shared);
                }
                self.spin = Spin::new(Duration::from_nanos(init.spin_ns));
                Command::Init(init)
            }
            ToWorker::Execute(execute) => {
                let cancelled = self.shared.accept(execute.job);
                Command::Execute(Accepted { execute, received: Instant::now(), cancelled, loss })
            }
            ToWorker::Reload { request, plugin, config } => Command::Reload { request, plugin, config },
            ToWorker::Unload { request, plugin } => Command::Unload { request, plugin },
            ToWorker::Stop { request } => Command::Stop { request },
        };
        self.commands.push_back(command);
    }

    fn answer(&mut self, message: &FromWorker) {
        if let Err(error) = self.courier.send(message) {
            // A worker that cannot answer is taken for frozen in the end: better to end with the reason.
            let ended = self.end(ServeError::Thread(error));
            self.commands.push_back(ended);
        }
    }

    /// Nothing can be read any more.
    fn end(&mut self, reason: ServeError) -> Command {
        self.shared.cancel_any();
        if !self.shared.is_stopped() {
            let complaint = match &reason {
                // The host is there and speaks nonsense: it may want to know.
                ServeError::Frame(error) => Some(format!("the worker cannot read on: {error}")),
                ServeError::Thread(error) => {
                    Some(format!("the worker cannot answer: no thread can be started: {error}"))
                }
                _ => None,
            };
            if let Some(message) = complaint {
                let _ = self.shared.outbox.send(&[&FromWorker::Error { message }], Until::Written);
            }
            if let Some(on_hang_up) = self.on_hang_up.take() {
                on_hang_up();
            }
        }
        self.shared.outbox.close(&reason.to_string());
        Command::Ended(reason)
    }
}

fn wrong(reason: String) -> FrameError {
    FrameError::Shared { direction: ToWorker::NAME, reason }
}
