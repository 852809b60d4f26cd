use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, BytesMut};
use interprocess::local_socket::tokio::Stream;
use ostler_lifecycle::JobId;
use ostler_wire::{FrameError, ToWorker, frame};
use tokio::net::UnixStream;
use tokio::sync::Notify;

use crate::PluginId;
use crate::process::Process;

/// An outbox that has grown larger than this is given back when it is empty, in bytes.
const OUTBOX_KEPT: usize = 1024 * 1024;

/// The driver's hold on one worker.
pub(super) struct Link {
    pub(super) process: Process,
    pub(super) pid: Option<u32>,
    /// Whether it has loaded its plugins.
    pub(super) is_ready: bool,
    /// From its hello on.
    pub(super) wire: Option<Arc<Wire>>,
    /// Its job, or its latest one.
    pub(super) job: Option<JobId>,
    /// The plugin of its job, or of its latest one: its id, and what the worker calls it.
    pub(super) plugin: Option<(PluginId, Arc<str>)>,
}

impl Link {
    pub(super) fn new(process: Process) -> Self {
        Self { process, pid: None, is_ready: false, wire: None, job: None, plugin: None }
    }
}

/// The connection to one worker. Whoever sends writes to the socket at once; what does not fit waits in the outbox,
/// and only the worker's task flushes it, so that nobody's dropped future can tear a frame.
pub(super) struct Wire {
    stream: Stream,
    outbox: Mutex<BytesMut>,
    filled: Notify,
    sent: Notify,
    limit: usize,
}

impl Wire {
    pub(super) fn new(stream: Stream, limit: usize) -> Self {
        Self { stream, outbox: Mutex::default(), filled: Notify::new(), sent: Notify::new(), limit }
    }

    pub(super) fn socket(&self) -> &UnixStream {
        let Stream::UdSocket(stream) = &self.stream;
        stream.inner()
    }

    /// Sends one message without waiting. A connection that is broken takes it too: its worker is about to end.
    pub(super) fn send(&self, message: &ToWorker) -> Result<(), FrameError> {
        let mut outbox = self.lock();
        let was_empty = outbox.is_empty();
        frame::encode(message, self.limit, &mut outbox)?;
        if was_empty {
            self.write(&mut outbox);
        }
        if !outbox.is_empty() {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Says that a job was sent, to whoever waits for the [next one](Self::job_sent).
    pub(super) fn note_job(&self) {
        self.sent.notify_one();
    }

    /// Returns when a job was sent since it returned last.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn job_sent(&self) {
        self.sent.notified().await;
    }

    /// Writes out what waits, for ever.
    ///
    /// # Cancel safety
    /// Cancel safe.
    pub(super) async fn flush(&self) -> std::convert::Infallible {
        loop {
            self.filled.notified().await;
            while !self.lock().is_empty() {
                if self.socket().writable().await.is_err() {
                    std::future::pending::<()>().await;
                }
                self.write(&mut self.lock());
            }
        }
    }

    fn write(&self, outbox: &mut BytesMut) {
        match self.socket().try_write(outbox) {
            Ok(written) => outbox.advance(written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // The other end is closed, or can be told nothing more: half a frame may be out. The worker notices that
            // the connection ends, and its exit tells the rest.
            Err(_) => {
                outbox.clear();
                // If that fails, it is closed already.
                let _ = rustix::net::shutdown(self.socket(), rustix::net::Shutdown::Write);
            }
        }
        if outbox.is_empty() && outbox.capacity() > OUTBOX_KEPT {
            *outbox = BytesMut::new();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BytesMut> {
        // Nothing panics while it is held.
        self.outbox.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
