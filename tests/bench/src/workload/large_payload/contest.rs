use std::time::Instant;

use bytes::Bytes;
use ostler::JobManager;
use tokio::runtime::Runtime;

use super::mode::Mode;
use crate::Result;
use crate::limit::{Arena, Handover, SocketCopy};
use crate::line::Line;

/// The pools that carry payloads.
pub(super) struct Managers {
    /// As the defaults have it: what comes is copied.
    pub(super) copying: JobManager<Line>,
    /// Results stay in the memory of their worker.
    pub(super) in_place: JobManager<Line>,
}

impl Managers {
    fn of(&self, mode: Mode) -> &JobManager<Line> {
        if mode.is_in_place() { &self.in_place } else { &self.copying }
    }
}

/// One payload and all who carry it, with the times that they took, in nanoseconds.
pub(super) struct Contest<'a> {
    payload: Bytes,
    /// Where it is copied out to.
    out: Vec<u8>,
    arena: Arena,
    socket: SocketCopy,
    handover: Handover,
    runtime: &'a Runtime,
    managers: &'a Managers,
    pub(super) bare: [Vec<f64>; 3],
    pub(super) ours: [(Mode, Vec<f64>); Mode::ALL.len()],
}

impl<'a> Contest<'a> {
    pub(super) fn new(payload: Bytes, runtime: &'a Runtime, managers: &'a Managers) -> Result<Self> {
        let size = payload.len();
        Ok(Self {
            payload,
            out: vec![0; size],
            arena: Arena::spawn(size)?,
            socket: SocketCopy::spawn(size)?,
            handover: Handover::spawn(size)?,
            runtime,
            managers,
            bare: Default::default(),
            ours: Mode::ALL.map(|mode| (mode, Vec::new())),
        })
    }

    /// Each carries it once. That it came back whole is checked when the clock has stopped.
    pub(super) fn round(&mut self) -> Result<()> {
        let payload = &self.payload;

        let begun = Instant::now();
        let back = self.arena.there_and_back(payload)?;
        self.bare[0].push(begun.elapsed().as_nanos() as f64);
        whole(back, payload)?;

        let begun = Instant::now();
        let back = self.socket.there_and_back(payload)?;
        self.bare[1].push(begun.elapsed().as_nanos() as f64);
        whole(back, payload)?;

        let begun = Instant::now();
        self.handover.there_and_back()?;
        self.bare[2].push(begun.elapsed().as_nanos() as f64);

        for (mode, samples) in &mut self.ours {
            let manager = self.managers.of(*mode);
            let sent = mode.prepare(manager, payload);
            let begun = Instant::now();
            let back = self.runtime.block_on(mode.there_and_back(manager, sent, &mut self.out))?;
            samples.push(begun.elapsed().as_nanos() as f64);
            if !mode.is_whole(&back, payload) {
                return Err(CHANGED.into());
            }
        }
        Ok(())
    }

    pub(super) fn forget(&mut self) {
        self.bare.iter_mut().chain(self.ours.iter_mut().map(|(_, samples)| samples)).for_each(Vec::clear);
    }
}

const CHANGED: &str = "a payload came back changed";

fn whole(back: &[u8], payload: &[u8]) -> Result<()> {
    if back == payload { Ok(()) } else { Err(CHANGED.into()) }
}
