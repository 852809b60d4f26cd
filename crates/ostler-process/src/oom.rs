use super::kernel_log::KernelLog;
use super::oom_counter::OomCounter;

/// What speaks for it that the kernel killed a process because memory ran out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OomEvidence {
    /// How much it proves.
    pub certainty: Certainty,
    /// For a person.
    pub text: String,
}

/// How much a piece of evidence proves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Certainty {
    /// The kernel names the process.
    Certain,
    /// The kernel killed somebody for memory while the process lived.
    Probable,
}

/// Keeps an eye on what the kernel tells of its kills.
pub(super) struct OomWatch {
    /// If we may read it, and it speaks of our process numbers.
    log: Option<KernelLog>,
}

/// What the kernel had told when a process was about to be made.
pub(super) struct OomBaseline {
    gaps: u64,
    counter: Option<OomCounter>,
}

impl OomBaseline {
    /// Notes how many the kernel has killed. To find that out takes the kernel about as long as to make the process, which
    /// somebody waits for: it can be done right after. What is killed for memory is large, and no newborn.
    pub(super) fn count(&mut self) {
        self.counter = OomCounter::read();
    }
}

impl OomWatch {
    pub(super) fn start() -> Self {
        Self { log: KernelLog::open() }
    }

    /// Take it before the process is made, and [count](OomBaseline::count) soon after.
    pub(super) fn baseline(&mut self) -> OomBaseline {
        let gaps = self.log.as_mut().map_or(0, |log| {
            log.catch_up();
            log.gaps()
        });
        OomBaseline { gaps, counter: None }
    }

    /// A process with this number was made after the baseline: what was told of the number before is not its own.
    pub(super) fn made(&mut self, pid: i32) {
        if let Some(log) = &mut self.log {
            log.forget(pid);
        }
    }

    /// For a process that was killed, not by us.
    pub(super) fn evidence(&mut self, pid: i32, since: &OomBaseline) -> Option<OomEvidence> {
        if let Some(log) = &mut self.log {
            // The kernel writes the line before it lets go of the process, so it is there.
            log.catch_up();
            if let Some(text) = log.take_kill_of(pid) {
                return Some(OomEvidence { certainty: Certainty::Certain, text });
            }
            if log.gaps() == since.gaps {
                return None;
            }
        }
        let text = since.counter.as_ref()?.rise()?;
        Some(OomEvidence { certainty: Certainty::Probable, text })
    }
}
