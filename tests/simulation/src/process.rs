use std::collections::VecDeque;

use ostler_lifecycle::{Command, JobId, RequestId, WorkerFrame};

/// A simulated worker process, as it really is; the host knows only what reached it.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) stage: Stage,
    /// The host killed it; the kill may not have had its effect yet.
    pub(crate) killed: bool,
    /// In uninterruptible sleep: says nothing, and outlives a kill.
    pub(crate) frozen: bool,
    /// Stopped: does nothing, but dies when it is killed.
    pub(crate) mute: bool,
    /// Closed its connection: says nothing any more, and hears nothing.
    pub(crate) hung_up: bool,
    /// Memory that it takes, and by how much more it will with each job.
    pub(crate) resident: u64,
    pub(crate) growth: u64,
    /// Grows when the worker drops what it meant to do.
    pub(crate) resolve: u32,
    /// Commands on their way to it.
    pub(crate) inbox: VecDeque<(RequestId, Command)>,
    /// Frames on their way to the host.
    pub(crate) wire: VecDeque<WorkerFrame>,
    /// The last frames that it said, for a broken peer to repeat.
    pub(crate) said: VecDeque<WorkerFrame>,
    /// The job that it was given last.
    pub(crate) job: Option<(RequestId, JobId, u32)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// Being made.
    Making,
    /// Exists.
    Living,
    /// Does not exist any more; the host does not know yet.
    Dead,
    /// The host knows.
    Reaped,
}

impl Process {
    pub(crate) fn new(pid: u32, resident: u64, growth: u64) -> Self {
        Self {
            pid,
            stage: Stage::Making,
            killed: false,
            frozen: false,
            mute: false,
            resident,
            growth,
            hung_up: false,
            resolve: 0,
            inbox: VecDeque::new(),
            wire: VecDeque::new(),
            said: VecDeque::new(),
            job: None,
        }
    }

    pub(crate) fn is_living(&self) -> bool {
        self.stage == Stage::Living
    }

    /// Whether it hears and acts.
    pub(crate) fn is_awake(&self) -> bool {
        self.is_living() && !self.frozen && !self.mute && !self.hung_up
    }

    /// Puts a frame on its way.
    pub(crate) fn say(&mut self, frame: WorkerFrame) {
        self.hung_up |= frame == WorkerFrame::HungUp;
        if self.said.len() == 8 {
            self.said.pop_front();
        }
        self.said.push_back(frame.clone());
        self.wire.push_back(frame);
    }
}
