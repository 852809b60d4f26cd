use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use ostler_shm::{Arena, Outgoing, Placement, RingSender, Taken};
use ostler_wire::{DEFAULT_MAX_FRAME_BYTES, FrameError, FromWorker, Place, frame};
use thiserror::Error;

use crate::sink::Sink;
use crate::words::shortened;

/// Above this many unsent bytes a plugin has to wait.
const HIGH_WATER: usize = 1024 * 1024;
/// A send buffer up to this size is kept for the next frame.
const KEEP_CAPACITY: usize = 256 * 1024;

/// What could not be said to the host.
#[derive(Clone, Debug, Error)]
pub(crate) enum SendError {
    #[error(transparent)]
    Frame(FrameError),
    #[error("the host is gone: {reason}")]
    Closed { reason: String },
}

/// How long a sender waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// Until there is room for more: back-pressure.
    Room,
    /// Until the system has taken every byte.
    Written,
}

/// The way to the host, shared by all threads.
///
/// Whoever has something to say while nobody writes becomes the writer, and writes until nothing is left:
/// no thread is woken for a job's result, and frames that come meanwhile go out together. Whoever reads
/// must not get stuck in a full socket, so it only posts; the courier thread writes for it.
pub(crate) struct Outbox {
    state: Mutex<State>,
    written: Condvar,
    errand: Condvar,
    sink: Mutex<Box<dyn Sink>>,
    limit: AtomicUsize,
    /// What is shared with the host.
    arena: Arena,
}

struct State {
    pending: Outgoing,
    ring: Option<RingSender>,
    /// Messages of which the ring does not know yet that they were sent.
    unnumbered: usize,
    /// Bytes queued and bytes written since the beginning.
    queued: u64,
    done: u64,
    writing: bool,
    /// Threads that wait until more is written. To wake nobody would be a system call, too.
    waiting: usize,
    /// Something was posted while nobody wrote.
    posted: bool,
    closed: Option<String>,
}

impl Outbox {
    pub(crate) fn new(sink: impl Sink + 'static) -> Self {
        let state = State {
            pending: Outgoing::default(),
            ring: None,
            unnumbered: 0,
            queued: 0,
            done: 0,
            writing: false,
            waiting: 0,
            posted: false,
            closed: None,
        };
        Self {
            state: Mutex::new(state),
            written: Condvar::new(),
            errand: Condvar::new(),
            sink: Mutex::new(Box::new(sink)),
            limit: AtomicUsize::new(DEFAULT_MAX_FRAME_BYTES),
            arena: Arena::of_worker(),
        }
    }

    /// The frame limit, in bytes, for both directions.
    pub(crate) fn limit(&self) -> usize {
        self.limit.load(Ordering::Relaxed)
    }

    pub(crate) fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// From now on what is said may go by a ring.
    pub(crate) fn use_ring(&self, ring: RingSender) {
        let mut state = self.lock();
        (state.ring, state.unnumbered) = (Some(ring), 0);
    }

    pub(crate) const fn arena(&self) -> &Arena {
        &self.arena
    }

    /// Sends messages, as one write if nobody else writes. If one of them does not fit into a frame, none
    /// is sent.
    pub(crate) fn send(&self, messages: &[&FromWorker], until: Until) -> Result<(), SendError> {
        self.send_placed(messages, Placement::inline(), until)
    }

    /// The same, with the payload of the last message placed.
    pub(crate) fn send_placed(
        &self,
        messages: &[&FromWorker],
        placement: Placement,
        until: Until,
    ) -> Result<(), SendError> {
        let mut state = self.lock();
        self.enqueue(&mut state, messages, placement)?;
        let mark = state.queued;
        if !state.writing {
            self.try_ring(&mut state);
            state = self.write_out(state);
        }
        while state.done < mark {
            if let Some(reason) = &state.closed {
                return Err(SendError::Closed { reason: reason.clone() });
            }
            if until == Until::Room && state.pending.len() < HIGH_WATER {
                break;
            }
            state.waiting += 1;
            state = self.written.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        Ok(())
    }

    /// Sends what is pending by the ring, if it is one frame alone and the host looks there.
    fn try_ring(&self, state: &mut State) {
        let State { ring: Some(ring), pending, unnumbered, queued, done, .. } = state else { return };
        let is_alone = *unnumbered == 1 && !pending.has_descriptors();
        let taken = if is_alone { ring.send(pending.bytes()) } else { Taken::No };
        for _ in usize::from(is_alone)..std::mem::take(unnumbered) {
            ring.skip();
        }
        if taken != Taken::No {
            *done += pending.len() as u64;
            pending.clear();
        }
        if taken == Taken::Wake {
            // No limit is so small that this message is over it.
            let _ = frame::encode(&FromWorker::Nudge, self.limit(), pending.bytes());
            *queued += pending.len() as u64;
        }
    }

    /// Leaves a message for whoever writes next, without ever waiting for the socket.
    pub(crate) fn post(&self, message: &FromWorker) -> Result<(), SendError> {
        let mut state = self.lock();
        self.enqueue(&mut state, &[message], Placement::inline())?;
        if !state.writing {
            state.posted = true;
            self.errand.notify_one();
        }
        Ok(())
    }

    /// Writes what was posted, until the outbox is closed. This is the courier thread's life.
    pub(crate) fn run_errands(&self) {
        let mut state = self.lock();
        while state.closed.is_none() {
            if state.posted && !state.writing {
                state = self.write_out(state);
            } else {
                state = self.errand.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Says that nothing more can be sent. The first reason stays.
    pub(crate) fn close(&self, reason: &str) {
        let mut state = self.lock();
        state.closed.get_or_insert_with(|| reason.to_owned());
        drop(state);
        self.written.notify_all();
        self.errand.notify_all();
    }

    fn enqueue(
        &self,
        state: &mut State,
        messages: &[&FromWorker],
        placement: Placement,
    ) -> Result<(), SendError> {
        if let Some(reason) = &state.closed {
            return Err(SendError::Closed { reason: reason.clone() });
        }
        let start = state.pending.len();
        let mut last = start;
        for (left, message) in (0..messages.len()).rev().zip(messages) {
            last = state.pending.len();
            let places = if left == 0 { placement.places() } else { &[] };
            if let Err(error) = self.encode(message, places, state) {
                state.pending.truncate(start);
                return Err(SendError::Frame(error));
            }
        }
        state.pending.attach(last, placement.sent());
        while let Some(news) = self.arena.news() {
            // It fits: no limit is so small.
            let _ = frame::encode(&FromWorker::Segments(news), self.limit(), state.pending.bytes());
            state.unnumbered += 1;
        }
        state.unnumbered += messages.len();
        state.queued += (state.pending.len() - start) as u64;
        Ok(())
    }

    /// Encodes a message, with shorter texts if it is too large for them.
    fn encode(&self, message: &FromWorker, places: &[Place], state: &mut State) -> Result<(), FrameError> {
        let limit = self.limit();
        let encoded = frame::encode_placed(message, places, limit, state.pending.bytes());
        match encoded {
            Err(FrameError::TooLarge { .. }) => match shortened(message, limit) {
                Some(shorter) => frame::encode_placed(&shorter, places, limit, state.pending.bytes()),
                None => encoded,
            },
            other => other,
        }
    }

    /// Writes until nothing is pending. The state is unlocked during the writes.
    fn write_out<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.writing = true;
        state.posted = false;
        while !state.pending.is_empty() && state.closed.is_none() {
            let mut batch = std::mem::take(&mut state.pending);
            let count = batch.len() as u64;
            drop(state);
            let outcome = self.write(&mut batch);
            state = self.lock();
            match outcome {
                Ok(()) => state.done += count,
                Err(error) => {
                    state.closed.get_or_insert_with(|| error.to_string());
                    self.errand.notify_all();
                }
            }
            if state.pending.is_empty() && batch.capacity() <= KEEP_CAPACITY {
                state.pending = batch;
            }
            if state.waiting > 0 {
                self.written.notify_all();
            }
        }
        state.writing = false;
        state
    }

    fn write(&self, batch: &mut Outgoing) -> io::Result<()> {
        let mut sink = self.sink.lock().unwrap_or_else(PoisonError::into_inner);
        while !batch.is_empty() {
            let (bytes, descriptors) = batch.piece();
            match sink.write(bytes, descriptors.unwrap_or(&mut Vec::new())) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) => batch.advance(sent),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
