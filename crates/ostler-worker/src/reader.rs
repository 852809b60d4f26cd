use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use ostler_shm::{Received, Spin};
use ostler_wire::{Execute, FrameError, FromWorker, Init, ToWorker};

use crate::ServeError;
use crate::courier::Courier;
use crate::inlet::{Inlet, wrong};
use crate::outbox::Until;
use crate::shared::Shared;

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
    inlet: Inlet,
    shared: Arc<Shared>,
    on_hang_up: Arc<dyn Fn() + Send + Sync>,
    courier: Courier,
    /// Read, and not yet handed out.
    commands: VecDeque<Command>,
}

impl Reader {
    pub(crate) fn new(inlet: Inlet, shared: Arc<Shared>, on_hang_up: Arc<dyn Fn() + Send + Sync>) -> Self {
        let courier = Courier::new(Arc::clone(&shared.outbox));
        Self { inlet, shared, on_hang_up, courier, commands: VecDeque::new() }
    }

    /// Waits for the next command for the main thread.
    pub(crate) fn next(&mut self) -> Command {
        loop {
            if let Some(command) = self.commands.pop_front() {
                return command;
            }
            match self.inlet.wait() {
                Ok(true) => self.take_frames(),
                Ok(false) => {
                    let torn = self.inlet.finish();
                    return self.end(torn.map_or_else(ServeError::Frame, |()| ServeError::HungUp));
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return self.end(ServeError::Read(error)),
            }
        }
    }

    /// Goes through all that has come: a cancel may stand right behind its job.
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
        let outbox = &self.shared.outbox;
        let Some(Received { message, loss, .. }) = self.inlet.next(outbox.limit(), outbox.arena())? else {
            return Ok(false);
        };
        let command = self.take(message, loss)?;
        self.commands.extend(command);
        Ok(true)
    }

    /// Does what need not wait for the main thread, and says what has to.
    fn take(&mut self, message: ToWorker, loss: Option<String>) -> Result<Option<Command>, FrameError> {
        Ok(Some(match message {
            ToWorker::Init(init) => {
                self.prepare(&init)?;
                Command::Init(init)
            }
            ToWorker::Execute(execute) => {
                let cancelled = self.shared.accept(execute.job);
                Command::Execute(Accepted { execute, received: Instant::now(), cancelled, loss })
            }
            ToWorker::Reload { request, plugin, config } => Command::Reload { request, plugin, config },
            ToWorker::Unload { request, plugin } => Command::Unload { request, plugin },
            ToWorker::Stop { request } => Command::Stop { request },
            ToWorker::Ping { request } => return Ok(self.answer(&FromWorker::Pong { request })),
            ToWorker::GetState { request } => {
                let state = self.shared.report();
                return Ok(self.answer(&FromWorker::State { request, state }));
            }
            ToWorker::Cancel { request, job } => {
                let result = self.shared.cancel(job);
                return Ok(self.answer(&FromWorker::Response { request, result }));
            }
            ToWorker::Segments(news) => {
                self.shared.outbox.arena().hear(news).map_err(wrong)?;
                return Ok(None);
            }
            ToWorker::Nudge => return Ok(None),
        }))
    }

    /// What an `Init` sets is set here and not later: the next frame is read before the main thread sees this one.
    fn prepare(&mut self, init: &Init) -> Result<(), FrameError> {
        let outbox = &self.shared.outbox;
        outbox.set_limit(usize::try_from(init.max_frame_bytes).unwrap_or(usize::MAX));
        if self.inlet.brings_descriptors() {
            outbox.arena().open(usize::try_from(init.shared_memory_bytes).unwrap_or(usize::MAX));
        }
        if init.ring {
            outbox.use_ring(self.inlet.use_ring()?);
        }
        self.inlet.set_spin(Spin::new(Duration::from_nanos(init.spin_ns)));
        Ok(())
    }

    /// Answers without the main thread. A worker that cannot is taken for frozen in the end: better to end with the
    /// reason.
    fn answer(&mut self, message: &FromWorker) -> Option<Command> {
        let error = self.courier.send(message).err()?;
        Some(self.end(ServeError::Thread(error)))
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
            (self.on_hang_up)();
        }
        self.shared.outbox.close(&reason.to_string());
        Command::Ended(reason)
    }
}
