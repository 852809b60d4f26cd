use std::hint::spin_loop;
use std::io;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ostler_shm::{Arena, Descriptors, Ring, RingReceiver, RingSender, Spin};
use ostler_wire::{FrameError, Message, ToWorker, frame};

use crate::source::Source;

/// One read takes up to this many bytes.
const READ_BYTES: usize = 128 * 1024;
/// How often the ring is looked at between two looks at the socket: a few microseconds, as long as a host needs between
/// two small jobs.
const LOOKS: u32 = 256;

/// What comes from the host, by socket and by ring, frame by frame.
pub(crate) struct Inlet {
    source: Box<dyn Source>,
    ring: Option<RingReceiver>,
    spin: Spin,
    chunk: Vec<u8>,
    /// What came by the socket.
    buffer: BytesMut,
    /// The frame that came by the ring.
    ringed: BytesMut,
    descriptors: Descriptors,
}

impl Inlet {
    pub(crate) fn new(source: Box<dyn Source>) -> Self {
        Self {
            source,
            ring: None,
            spin: Spin::new(Duration::ZERO),
            chunk: vec![0; READ_BYTES],
            buffer: BytesMut::new(),
            ringed: BytesMut::new(),
            descriptors: Descriptors::new(),
        }
    }

    /// Whether descriptors can come.
    pub(crate) fn brings_descriptors(&self) -> bool {
        self.source.brings_descriptors()
    }

    pub(crate) fn set_spin(&mut self, spin: Spin) {
        self.spin = spin;
    }

    /// Takes over the ring that was announced; what comes next may come by it. Returns the end for what is sent.
    pub(crate) fn use_ring(&mut self) -> Result<RingSender, FrameError> {
        let taken = Ring::take_over(&mut self.descriptors);
        let Ring { sender, receiver } =
            taken.map_err(|reason| wrong(format!("no ring can be used: {reason}")))?;
        self.ring = Some(receiver);
        Ok(sender)
    }

    /// Waits until something has come; false at the end.
    pub(crate) fn wait(&mut self) -> io::Result<bool> {
        self.spin.begin(Instant::now());
        let came = match self.look() {
            Some(came) => came,
            None => self.block(),
        };
        self.spin.end(Instant::now());
        came
    }

    /// Looks without sleeping, as long as that pays.
    fn look(&mut self) -> Option<io::Result<bool>> {
        while self.spin.is_due(Instant::now()) {
            for _ in 0..LOOKS {
                if self.ring.as_ref().is_some_and(RingReceiver::has_next) {
                    return Some(Ok(true));
                }
                spin_loop();
            }
            let read = self.source.read_now(&mut self.chunk, &mut self.descriptors);
            match self.keep(read) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                came => return Some(came),
            }
            // Whoever could use this core meanwhile, the host perhaps, goes first.
            std::thread::yield_now();
        }
        None
    }

    fn block(&mut self) -> io::Result<bool> {
        let may_sleep = self.ring.as_ref().is_none_or(RingReceiver::rest);
        let came = if may_sleep {
            let read = self.source.read(&mut self.chunk, &mut self.descriptors);
            self.keep(read)
        } else {
            Ok(true)
        };
        // While the main thread is busy with what came, somebody will look: it, or its deputy.
        if let Some(ring) = &self.ring {
            ring.wake();
        }
        came
    }

    fn keep(&mut self, read: io::Result<usize>) -> io::Result<bool> {
        let count = read?;
        self.buffer.extend_from_slice(&self.chunk[..count]);
        Ok(count > 0)
    }

    /// The next message, if it is there; and why a part of its payload could not be had.
    pub(crate) fn next(
        &mut self,
        limit: usize,
        arena: &Arena,
    ) -> Result<Option<(ToWorker, Option<String>)>, FrameError> {
        let by_ring = match &mut self.ring {
            Some(ring) => ring.receive(&mut self.ringed).map_err(wrong)?,
            None => false,
        };
        let buffer = if by_ring { &mut self.ringed } else { &mut self.buffer };
        let mut intake = arena.intake(&mut self.descriptors);
        let message = frame::decode_shared(buffer, limit, |place| intake.take(place))?;
        // The descriptor of a ring is taken over by whoever hears of it.
        let awaits_ring = matches!(&message, Some(ToWorker::Init(init)) if init.ring);
        let loss = intake.finish(!by_ring && !awaits_ring && buffer.is_empty()).map_err(wrong)?;
        if by_ring && (message.is_none() || !buffer.is_empty()) {
            return Err(wrong("what came by the ring is not one frame".to_owned()));
        }
        let Some(message) = message else { return Ok(None) };
        if let Some(ring) = &mut self.ring
            && !by_ring
            && !matches!(message, ToWorker::Nudge)
        {
            ring.skip();
        }
        Ok(Some((message, loss)))
    }

    /// Whether the connection may end here: only between two frames.
    pub(crate) fn finish(&self) -> Result<(), FrameError> {
        frame::finish(&self.buffer)
    }
}

/// The host does not keep to the rules of what is shared.
pub(crate) fn wrong(reason: String) -> FrameError {
    FrameError::Shared { direction: ToWorker::NAME, reason }
}
