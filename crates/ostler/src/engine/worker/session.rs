use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use bytes::BytesMut;
use ostler_lifecycle::{Input, WorkerFrame, WorkerKey};
use ostler_wire::{FromWorker, HELLO_MAX_BYTES, decode_hello, frame};

use super::inbound::Inbound;
use crate::JobType;
use crate::engine::Core;
use crate::engine::cargo::Cargo;
use crate::engine::link::Wire;
use crate::events::EventLog;
use crate::process::Endpoint;

/// Room for one read, in bytes: a frame of ordinary size and its neighbours. The kernel's socket buffer holds about
/// three times as much.
const READ_BYTES: usize = 64 * 1024;

/// A frame of this size, in bytes, takes the buffer with it: nobody who keeps a small part of a frame, and no idle
/// worker, shall hold on to its memory.
const LARGE_FRAME: usize = 1024 * 1024;

/// The conversation with one worker.
pub(super) struct Session<J: JobType> {
    core: Arc<Core<J>>,
    worker: WorkerKey,
    wire: Option<Arc<Wire>>,
    buffer: BytesMut,
    inbound: Inbound,
    /// Nothing that comes can be trusted any more.
    is_spoilt: bool,
}

impl<J: JobType> Session<J> {
    pub(super) fn new(core: Arc<Core<J>>, worker: WorkerKey, pid: u32) -> Self {
        Self {
            core,
            worker,
            wire: None,
            buffer: BytesMut::new(),
            inbound: Inbound::new(pid),
            is_spoilt: false,
        }
    }

    /// Listens for ever: the worker's exit ends it from outside.
    ///
    /// # Cancel safety
    /// Cancel safe: what was read is in the buffer.
    pub(super) async fn run(&mut self, endpoint: Endpoint, pid: u32) -> Infallible {
        match self.meet(endpoint, pid).await {
            Ok(wire) => {
                self.say(WorkerFrame::Hello, Cargo::None);
                tokio::select! {
                    never = self.listen(&wire) => never,
                    never = wire.flush() => never,
                }
            }
            Err(message) => {
                self.fault(message);
                pending().await
            }
        }
    }

    /// The way in: the kernel vouches for the peer, then the token, then the version.
    async fn meet(&mut self, endpoint: Endpoint, pid: u32) -> Result<Arc<Wire>, String> {
        let accepted = endpoint.accept(pid).await;
        let stream = accepted.map_err(|error| format!("its connection could not be accepted: {error}"))?;
        let token = endpoint.token();
        // There is nobody else to wait for.
        drop(endpoint);
        let wire = Arc::new(Wire::new(stream, self.core.settings.max_frame_bytes));
        let hello = loop {
            match decode_hello(&mut self.buffer, HELLO_MAX_BYTES) {
                Ok(Some(hello)) => break hello,
                Ok(None) => {}
                Err(error) => return Err(error.to_string()),
            }
            if self.read(&wire).await == Read::End {
                // Its exit tells more.
                pending::<()>().await;
            }
        };
        if hello.token != token {
            return Err("it showed a wrong token".to_owned());
        }
        self.wire = Some(Arc::clone(&wire));
        if let Some(link) = self.core.lock().links.get_mut(&self.worker) {
            link.wire = Some(Arc::clone(&wire));
        }
        Ok(wire)
    }

    async fn listen(&mut self, wire: &Wire) -> Infallible {
        loop {
            while let Some(log) = self.take_frames() {
                // While a reader of its events is behind, the worker's socket fills, and the worker waits.
                log.pace().await;
            }
            if self.is_spoilt {
                return pending().await;
            }
            if self.read(wire).await == Read::End {
                self.say(WorkerFrame::HungUp, Cargo::None);
                return pending().await;
            }
        }
    }

    async fn read(&mut self, wire: &Wire) -> Read {
        loop {
            if wire.socket().readable().await.is_err() {
                return Read::End;
            }
            self.buffer.reserve(READ_BYTES);
            match wire.socket().try_read_buf(&mut self.buffer) {
                Ok(0) => return Read::End,
                Ok(_) => return Read::More,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Read::End,
            }
        }
    }

    /// Feeds in what has come, up to and with the first frame that added to a job's log.
    fn take_frames(&mut self) -> Option<Arc<EventLog>> {
        while !self.is_spoilt {
            let before = self.buffer.len();
            match frame::decode::<FromWorker>(&mut self.buffer, self.core.settings.max_frame_bytes) {
                Ok(Some(message)) => {
                    if before - self.buffer.len() >= LARGE_FRAME {
                        self.buffer = BytesMut::from(&self.buffer[..]);
                    }
                    let grown = self.inbound.feed(&self.core, self.worker, message);
                    if grown.is_some() {
                        return grown;
                    }
                }
                Ok(None) => return None,
                Err(error) => self.fault(error.to_string()),
            }
        }
        None
    }

    /// After the worker's death: feeds in what it still said, without waiting for an end that somebody else may hold
    /// back. Says how a last frame is torn.
    pub(super) fn drain(mut self) -> Option<String> {
        let wire = self.wire.take()?;
        // Past tokio, whose idea of what can be read may be old. What is counted now was said by the dead.
        let descriptor = wire.socket().as_fd();
        let mut left = rustix::io::ioctl_fionread(descriptor).unwrap_or(0);
        let mut chunk = vec![0; READ_BYTES];
        loop {
            while self.take_frames().is_some() {}
            if left == 0 || self.is_spoilt {
                break;
            }
            match rustix::io::read(descriptor, &mut chunk) {
                Ok(0) | Err(_) => break,
                Ok(count) => {
                    self.buffer.extend_from_slice(&chunk[..count]);
                    left = left.saturating_sub(count as u64);
                }
            }
        }
        if self.is_spoilt { None } else { frame::finish(&self.buffer).err().map(|torn| torn.to_string()) }
    }

    fn fault(&mut self, message: String) {
        self.is_spoilt = true;
        self.say(WorkerFrame::Fault { message }, Cargo::None);
    }

    fn say(&self, frame: WorkerFrame, cargo: Cargo<J>) {
        self.core.feed(Input::Frame { worker: self.worker, frame }, cargo);
    }
}

#[derive(PartialEq, Eq)]
enum Read {
    More,
    End,
}
