//! Two sides of a connection, in one process.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses its part")]

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ostler_shm::{Arena, Inflow, Received, socket};
use ostler_wire::{DEFAULT_MAX_FRAME_BYTES, Execute, FrameError, Payload, Place, ToWorker, frame};
use uuid::Uuid;

pub const MIB: usize = 1 << 20;
pub const BOUND: usize = 16 * MIB;
const PATIENCE: Duration = Duration::from_secs(5);

pub struct Side {
    pub arena: Arena,
    socket: UnixStream,
    pub inflow: Inflow,
}

pub fn pair() -> (Side, Side) {
    let side = |socket: UnixStream| {
        // What should have been shared does not fit into the socket: nobody waits for that for ever.
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let arena = Arena::of_worker();
        arena.open(BOUND);
        Side { arena, socket, inflow: Inflow::default() }
    };
    let (one, other) = UnixStream::pair().unwrap();
    (side(one), side(other))
}

/// A payload that came, and why parts of it did not.
pub type Came = (Payload, Option<String>);

impl Side {
    /// Sends a payload, and what there is to tell behind it. Returns where its parts are.
    pub fn send(&self, mut payload: Payload) -> Vec<Place> {
        let placement = self.arena.place(&mut payload);
        let places = placement.places().to_vec();
        let descriptors = placement.sent();
        self.send_raw(payload, &places, descriptors);
        places
    }

    /// Sends a payload, and says anything at all about where it is.
    pub fn send_raw(&self, payload: Payload, places: &[Place], mut descriptors: Vec<OwnedFd>) {
        let mut bytes = BytesMut::new();
        let message = ToWorker::Execute(execute(payload));
        frame::encode_placed(&message, places, DEFAULT_MAX_FRAME_BYTES, &mut bytes).unwrap();
        while let Some(news) = self.arena.news() {
            frame::encode(&ToWorker::Segments(news), DEFAULT_MAX_FRAME_BYTES, &mut bytes).unwrap();
        }
        let sent = socket::send(self.socket.as_fd(), &bytes, &mut descriptors).unwrap();
        assert_eq!(sent, bytes.len(), "what is small goes at once");
        assert!(descriptors.is_empty());
    }

    /// Takes in what has come, up to the end of a message.
    pub fn receive(&mut self) -> Result<Came, FrameError> {
        let wrong = |reason| FrameError::Shared { direction: "test", reason };
        let mut came = None;
        self.read();
        loop {
            match self.inflow.next(DEFAULT_MAX_FRAME_BYTES, &self.arena)? {
                Some(Received { message: ToWorker::Execute(execute), loss, .. }) => {
                    came = Some((execute.payload, loss));
                }
                Some(Received { message: ToWorker::Segments(news), .. }) => {
                    self.arena.hear(news).map_err(wrong)?;
                }
                None if !self.inflow.buffer().is_empty() => self.read(),
                other => return came.ok_or_else(|| wrong(format!("no payload came, but {other:?}"))),
            }
        }
    }

    fn read(&mut self) {
        let mut chunk = vec![0; 256 * 1024];
        let count = socket::receive(self.socket.as_fd(), &mut chunk, self.inflow.descriptors()).unwrap();
        self.inflow.buffer().extend_from_slice(&chunk[..count]);
    }

    /// What came, if all of it did.
    pub fn payload(&mut self) -> Payload {
        let (payload, loss) = self.receive().unwrap();
        assert_eq!(loss, None);
        payload
    }

    /// Why what came is a fault.
    pub fn fault(&mut self) -> String {
        self.receive().map(|_| ()).unwrap_err().to_string()
    }
}

fn execute(payload: Payload) -> Execute {
    Execute {
        request: 1,
        job: Uuid::nil().into(),
        attempt: 1,
        plugin: "p".into(),
        deadline_ms: None,
        stream: false,
        payload,
    }
}

/// Bytes that are told apart from those of another seed, on every page.
pub fn pattern(len: usize, seed: u64) -> Bytes {
    let mut bytes = vec![seed as u8; len];
    for (page, bytes) in bytes.chunks_exact_mut(4096).enumerate() {
        bytes[..8].copy_from_slice(&(seed << 32 | page as u64).to_le_bytes());
    }
    bytes.into()
}

pub fn is_shared(place: Place) -> bool {
    matches!(place, Place::Shared { .. })
}
