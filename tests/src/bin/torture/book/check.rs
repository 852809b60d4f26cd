use std::collections::BTreeMap;

/// What is checked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Check {
    Lost,
    Doubled,
    Answer,
    Blame,
    Cause,
    Cancel,
    Late,
    Events,
    Told,
    Control,
    Pool,
    Groups,
    Daemons,
    Children,
    Descriptors,
    Threads,
    Memory,
    Sockets,
    Shared,
    Shutdown,
}

impl Check {
    pub(crate) const ALL: [Self; 20] = {
        use Check::*;
        [
            Lost,
            Doubled,
            Answer,
            Blame,
            Cause,
            Cancel,
            Late,
            Events,
            Told,
            Control,
            Pool,
            Groups,
            Daemons,
            Children,
            Descriptors,
            Threads,
            Memory,
            Sockets,
            Shared,
            Shutdown,
        ]
    };

    /// What holds if the check passes.
    pub(crate) const fn promise(self) -> &'static str {
        match self {
            Self::Lost => "every accepted job ended, in bounded time",
            Self::Doubled => "no job ran twice at a time, or more often than its retry policy allows",
            Self::Answer => "every answer is the right one, and was given by the job's last run",
            Self::Blame => {
                "no job failed or was cancelled without a cause in itself or in what was done to it"
            }
            Self::Cause => "every worker's death has its true cause",
            Self::Cancel => "no process of a job's worker ran when its cancel returned true",
            Self::Late => "nothing of a job ran after its end",
            Self::Events => "a job's events have no gap, and its one end comes last",
            Self::Told => "broadcaster and completion hook were told of every end once",
            Self::Control => "a reload reached every worker, and one that was refused reached none",
            Self::Pool => "the pool never gave up, and filled again to its size",
            Self::Groups => "nobody of a dead worker's group ran",
            Self::Daemons => "what had left its group was gone soon after its worker",
            Self::Children => "the host's children were its workers, and no zombies",
            Self::Descriptors => "the host's descriptors are as many of each kind as after the warm-up",
            Self::Threads => "the host's threads are as many as after the warm-up",
            Self::Memory => "the host's memory has not grown past its bound",
            Self::Sockets => "nobody held a dead worker's socket",
            Self::Shared => "nothing was left in /dev/shm",
            Self::Shutdown => "after the shutdown nothing was left",
        }
    }
}

/// How often each check was made, and what it found.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    made: BTreeMap<Check, u64>,
    found: BTreeMap<Check, Vec<String>>,
}

/// Stories that are kept of each check: the first ones tell the most.
const STORIES: usize = 4;

impl Faults {
    /// The check was made.
    pub(crate) fn made(&mut self, check: Check) {
        *self.made.entry(check).or_default() += 1;
    }

    /// It found something.
    pub(crate) fn found(&mut self, check: Check, story: impl Into<String>) {
        let stories = self.found.entry(check).or_default();
        stories.push(if stories.len() < STORIES { story.into() } else { String::new() });
    }

    /// The check was made, and found something or not.
    pub(crate) fn note(&mut self, check: Check, holds: bool, story: impl FnOnce() -> String) {
        self.made(check);
        if !holds {
            self.found(check, story());
        }
    }

    pub(crate) fn times(&self, check: Check) -> u64 {
        self.made.get(&check).copied().unwrap_or(0)
    }

    pub(crate) fn of(&self, check: Check) -> &[String] {
        self.found.get(&check).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn count(&self) -> usize {
        self.found.values().map(Vec::len).sum()
    }
}
