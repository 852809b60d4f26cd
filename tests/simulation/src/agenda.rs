use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Instant;

use ostler_lifecycle::{Admission, JobId, Ticket, WorkerFrame, WorkerKey};

/// Something that is going to happen outside the machine.
#[derive(Debug)]
pub(crate) enum Happening {
    /// The host does something.
    Host,
    /// Somebody else does something: the kernel, a broken peer.
    Chaos,
    /// The host does not run for a while.
    Pause,
    /// The process was made, or not.
    SpawnDone(WorkerKey),
    /// The oldest command on its way reaches the worker.
    Arrive(WorkerKey),
    /// The worker acts, unless it has changed its mind since: see `Process::resolve`.
    Act(WorkerKey, u32, Act),
    /// The oldest frame on its way reaches the host.
    Deliver(WorkerKey),
    /// The killed process dies.
    Die(WorkerKey),
    /// The host notices that the process is dead.
    Reap(WorkerKey),
    /// The stopped process goes on.
    Wake(WorkerKey),
    /// The host has read all that the worker had said.
    CatchUp(WorkerKey),
    /// The host measures memory.
    Measure,
    /// The resource hook answers.
    Admit(JobId, Ticket, Admission),
    /// The storm is over: from now on everybody behaves.
    Calm,
    /// The host cancels what a worker hangs in.
    Tidy,
    /// Every job must have ended by now.
    Judge,
    /// What slept uninterruptibly wakes up.
    Thaw,
}

impl Happening {
    /// Whether the host does it, which it cannot while it does not run.
    pub(crate) fn is_of_the_host(&self) -> bool {
        match self {
            Self::Host
            | Self::SpawnDone(_)
            | Self::Deliver(_)
            | Self::Reap(_)
            | Self::CatchUp(_)
            | Self::Measure
            | Self::Admit(..)
            | Self::Calm
            | Self::Tidy
            | Self::Judge
            | Self::Pause
            | Self::Chaos => true,
            Self::Arrive(_) | Self::Act(..) | Self::Die(_) | Self::Wake(_) | Self::Thaw => false,
        }
    }
}

/// What a worker's process can do.
#[derive(Debug)]
pub(crate) enum Act {
    Say(WorkerFrame),
    /// Ends without being asked to.
    Crash,
    /// Goes into an uninterruptible sleep.
    Freeze,
    /// Is stopped, and perhaps goes on later.
    Mute,
}

/// What is going to happen, in order of time.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    order: BinaryHeap<Reverse<(Instant, u64)>>,
    entries: BTreeMap<u64, Happening>,
    count: u64,
}

impl Agenda {
    pub(crate) fn add(&mut self, at: Instant, happening: Happening) {
        self.count += 1;
        self.order.push(Reverse((at, self.count)));
        self.entries.insert(self.count, happening);
    }

    pub(crate) fn next_at(&self) -> Option<Instant> {
        self.order.peek().map(|Reverse((at, _))| *at)
    }

    pub(crate) fn pop(&mut self) -> Option<Happening> {
        let Reverse((_, number)) = self.order.pop()?;
        self.entries.remove(&number)
    }
}
