use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use interprocess::local_socket::tokio::Stream;
use ostler_shm::{Arena, Outgoing, Placement, RingSender, Taken, socket};
use ostler_wire::{Execute, FrameError, ToWorker, frame};
use rustix::net::SendFlags;
use tokio::io::Interest;
use tokio::net::UnixStream;
use tokio::sync::Notify;

/// An outbox that has grown larger than this is given back when it is empty, in bytes.
const OUTBOX_KEPT: usize = 1024 * 1024;

/// The connection to one worker. Whoever sends writes to the socket at once; what does not fit waits in the outbox,
/// and only the worker's task flushes it, so that nobody's dropped future can tear a frame.
pub(super) struct Wire {
    stream: Stream,
    outbox: Mutex<Outbox>,
    /// What is shared with the worker.
    arena: Arena,
    protocol: OnceLock<u32>,
    filled: Notify,
    /// A job was sent, and nobody looks for its answer yet.
    has_job: AtomicBool,
    job_sent: Notify,
    limit: usize,
    /// Whether anybody looks for answers.
    is_looked_for: bool,
}

#[derive(Default)]
struct Outbox {
    /// What the socket did not take.
    waiting: Outgoing,
    /// While a large job is being copied: what goes behind it.
    held: Option<VecDeque<ToWorker>>,
    /// To go with the next `Init`.
    offered: Option<(RingSender, OwnedFd)>,
    ring: Option<RingSender>,
}

impl Wire {
    pub(super) fn new(stream: Stream, limit: usize, is_looked_for: bool, arena: Arena) -> Self {
        Self {
            stream,
            outbox: Mutex::default(),
            arena,
            protocol: OnceLock::new(),
            filled: Notify::new(),
            has_job: AtomicBool::new(false),
            job_sent: Notify::new(),
            limit,
            is_looked_for,
        }
    }

    pub(super) fn socket(&self) -> &UnixStream {
        let Stream::UdSocket(stream) = &self.stream;
        stream.inner()
    }

    pub(super) const fn arena(&self) -> &Arena {
        &self.arena
    }

    /// The version of the protocol that the handshake has led to.
    pub(super) fn agree(&self, version: u32) {
        // There is one handshake.
        let _ = self.protocol.set(version);
    }

    /// None before the handshake.
    pub(super) fn protocol(&self) -> Option<u32> {
        self.protocol.get().copied()
    }

    /// Offers the worker a ring with the next `Init`, from which on it is used.
    pub(super) fn offer_ring(&self, sender: RingSender, descriptor: OwnedFd) {
        self.lock().offered = Some((sender, descriptor));
    }

    /// Sends one message without waiting. A connection that is broken takes it too: its worker is about to end.
    pub(super) fn send(&self, message: ToWorker) -> Result<(), FrameError> {
        let mut outbox = self.lock();
        if let Some(held) = &mut outbox.held {
            held.push_back(message);
            return Ok(());
        }
        self.post(&mut outbox, message, Placement::inline())
    }

    /// Keeps back what is sent from now on, until `deliver` has sent what goes before it.
    pub(super) fn hold(&self) {
        self.lock().held = Some(VecDeque::new());
    }

    /// Sends a job that is large, and then all that was held back. To copy it takes long enough that no other lock may
    /// be held.
    pub(super) fn deliver(&self, mut job: Execute) -> Result<(), FrameError> {
        let placement = self.arena.place(&mut job.payload);
        // In one go: the answer may come at once, and lead to the next large job, for which others are held back.
        let mut outbox = self.lock();
        let mut sent = self.post(&mut outbox, ToWorker::Execute(job), placement);
        for next in outbox.held.take().into_iter().flatten() {
            sent = sent.and(self.post(&mut outbox, next, Placement::inline()));
        }
        sent
    }

    fn post(
        &self,
        outbox: &mut Outbox,
        mut message: ToWorker,
        placement: Placement,
    ) -> Result<(), FrameError> {
        let offered = match &mut message {
            ToWorker::Init(init) => outbox.offered.take().inspect(|_| init.ring = true),
            _ => None,
        };
        let begin = outbox.waiting.len();
        frame::encode_placed(&message, placement.places(), self.limit, outbox.waiting.bytes())?;
        outbox.waiting.attach(begin, placement.sent());
        let mut frames = 1;
        while let Some(news) = self.arena.news() {
            // It fits: no limit is so small.
            let _ = frame::encode(&ToWorker::Segments(news), self.limit, outbox.waiting.bytes());
            frames += 1;
        }
        if begin == 0 && frames == 1 {
            self.try_ring(outbox);
        } else if let Some(ring) = &mut outbox.ring {
            (0..frames).for_each(|_| ring.skip());
        }
        if let Some((ring, descriptor)) = offered {
            outbox.waiting.attach(begin, vec![descriptor]);
            outbox.ring = Some(ring);
        }
        if begin == 0 {
            self.write(&mut outbox.waiting);
        }
        if !outbox.waiting.is_empty() {
            self.filled.notify_one();
        }
        if self.is_looked_for && matches!(message, ToWorker::Execute(_)) {
            self.has_job.store(true, Ordering::Release);
            self.job_sent.notify_one();
        }
        Ok(())
    }

    /// Sends the one frame that waits by the ring, if the worker looks there.
    fn try_ring(&self, outbox: &mut Outbox) {
        let Outbox { waiting, ring: Some(ring), .. } = outbox else { return };
        let taken = if waiting.has_descriptors() {
            ring.skip();
            Taken::No
        } else {
            ring.send(waiting.bytes())
        };
        if taken != Taken::No {
            waiting.clear();
        }
        if taken == Taken::Wake {
            // No limit is so small that this message is over it.
            let _ = frame::encode(&ToWorker::Nudge, self.limit, waiting.bytes());
        }
    }

    /// Whether a job was sent since this was last asked.
    pub(super) fn take_job(&self) -> bool {
        self.has_job.swap(false, Ordering::AcqRel)
    }

    /// Whether `take_job` would say yes.
    pub(super) fn has_job(&self) -> bool {
        self.has_job.load(Ordering::Acquire)
    }

    /// Returns when a job was sent since it returned last.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn job_sent(&self) {
        self.job_sent.notified().await;
    }

    /// Writes out what waits, for ever.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn flush(&self) -> std::convert::Infallible {
        loop {
            self.filled.notified().await;
            while !self.lock().waiting.is_empty() {
                if self.socket().writable().await.is_err() {
                    std::future::pending::<()>().await;
                }
                self.write(&mut self.lock().waiting);
            }
        }
    }

    fn write(&self, outbox: &mut Outgoing) {
        while !outbox.is_empty() {
            let (bytes, descriptors) = outbox.piece();
            let count = bytes.len();
            match self.write_piece(bytes, descriptors) {
                Ok(written) => {
                    outbox.advance(written);
                    if written < count {
                        break;
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // The other end is closed, or can be told nothing more: half a frame may be out. The worker notices
                // that the connection ends, and its exit tells the rest.
                Err(_) => {
                    outbox.clear();
                    // If that fails, it is closed already.
                    let _ = rustix::net::shutdown(self.socket(), rustix::net::Shutdown::Write);
                }
            }
        }
        if outbox.is_empty() && outbox.capacity() > OUTBOX_KEPT {
            outbox.shrink();
        }
    }

    fn write_piece(&self, bytes: &[u8], descriptors: Option<&mut Vec<OwnedFd>>) -> io::Result<usize> {
        match descriptors {
            // The standard library's write ends a host that has not ignored SIGPIPE.
            None => {
                let send = || Ok(rustix::net::send(self.socket(), bytes, SendFlags::NOSIGNAL)?);
                self.socket().try_io(Interest::WRITABLE, send)
            }
            Some(descriptors) => {
                let send = || socket::send(self.socket().as_fd(), bytes, descriptors);
                self.socket().try_io(Interest::WRITABLE, send)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Outbox> {
        // Nothing panics while it is held.
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
