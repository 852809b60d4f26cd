use std::collections::HashMap;

use rustix::process::Signal;

use crate::clock;

/// A signal that was sent to a worker.
#[derive(Clone, Debug)]
pub(crate) struct Blow {
    pub(crate) at: u64,
    pub(crate) signal: Signal,
}

impl Blow {
    /// The signal's name, as Ostler names it.
    pub(crate) fn name(&self) -> &'static str {
        match self.signal {
            Signal::KILL => "SIGKILL",
            Signal::TERM => "SIGTERM",
            Signal::SEGV => "SIGSEGV",
            Signal::STOP => "SIGSTOP",
            _ => "another signal",
        }
    }
}

/// Which worker was dealt which blows.
#[derive(Debug, Default)]
pub(crate) struct Blows(HashMap<u32, Vec<Blow>>);

impl Blows {
    /// Noted before it is sent, so that no consequence comes first.
    pub(crate) fn add(&mut self, pid: u32, signal: Signal) {
        self.0.entry(pid).or_default().push(Blow { at: clock::now(), signal });
    }

    pub(crate) fn of(&self, pid: u32) -> &[Blow] {
        self.0.get(&pid).map_or(&[], Vec::as_slice)
    }

    /// Forgets those whose number may become somebody else's.
    pub(crate) fn keep(&mut self, is_alive: impl Fn(u32) -> bool) {
        self.0.retain(|pid, _| is_alive(*pid));
    }
}
