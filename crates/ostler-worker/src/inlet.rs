use std::hint::spin_loop;
use std::io;
use std::time::{Duration, Instant};

use ostler_shm::{Arena, Inflow, Received, Ring, RingReceiver, RingSender, Spin};
use ostler_wire::{FrameError, Message, ToWorker};

use crate::source::Source;

/// One read takes up to this many bytes.
const READ_BYTES: usize = 128 * 1024;
/// How often the ring is looked at between two looks at the socket: a few microseconds, as long as a host needs between
/// two small jobs.
const LOOKS: u32 = 256;

/// What comes from the host, by socket and by ring, frame by frame.
pub(crate) struct Inlet {
    source: Box<dyn Source>,
    spin: Spin,
    chunk: Vec<u8>,
    inflow: Inflow,
}

impl Inlet {
    pub(crate) fn new(source: Box<dyn Source>) -> Self {
        Self {
            source,
            spin: Spin::new(Duration::ZERO),
            chunk: vec![0; READ_BYTES],
            inflow: Inflow::default(),
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
        let taken = Ring::take_over(self.inflow.descriptors());
        let Ring { sender, receiver } =
            taken.map_err(|reason| wrong(format!("no ring can be used: {reason}")))?;
        self.inflow.use_ring(receiver);
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
                if self.inflow.is_in_ring() {
                    return Some(Ok(true));
                }
                spin_loop();
            }
            let read = self.source.read_now(&mut self.chunk, self.inflow.descriptors());
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
        let may_sleep = self.inflow.ring().is_none_or(RingReceiver::rest);
        let came = if may_sleep {
            let read = self.source.read(&mut self.chunk, self.inflow.descriptors());
            self.keep(read)
        } else {
            Ok(true)
        };
        // While the main thread is busy with what came, somebody will look: it, or its deputy.
        if let Some(ring) = self.inflow.ring() {
            ring.wake();
        }
        came
    }

    fn keep(&mut self, read: io::Result<usize>) -> io::Result<bool> {
        let count = read?;
        self.inflow.buffer().extend_from_slice(&self.chunk[..count]);
        Ok(count > 0)
    }

    /// The next message, if it is there.
    pub(crate) fn next(
        &mut self,
        limit: usize,
        arena: &Arena,
    ) -> Result<Option<Received<ToWorker>>, FrameError> {
        self.inflow.next(limit, arena)
    }

    /// Whether the connection may end here: only between two frames.
    pub(crate) fn finish(&self) -> Result<(), FrameError> {
        self.inflow.finish()
    }
}

/// The host does not keep to the rules of what is shared.
pub(crate) fn wrong(reason: String) -> FrameError {
    FrameError::Shared { direction: ToWorker::NAME, reason }
}
