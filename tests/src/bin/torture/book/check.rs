use std::collections::BTreeMap;

/// What is checked: each check, and what holds if it passes.
macro_rules! checks {
    ($($check:ident: $promise:literal,)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
        pub(crate) enum Check {
            $($check,)*
        }

        impl Check {
            pub(crate) const ALL: &[Self] = &[$(Self::$check,)*];

            /// What holds if the check passes.
            pub(crate) const fn promise(self) -> &'static str {
                match self {
                    $(Self::$check => $promise,)*
                }
            }
        }
    };
}

checks! {
    Lost: "every accepted job ended, in bounded time",
    Doubled: "no job ran twice at a time, or more often than its retry policy allows",
    Answer: "every answer is the right one, and was given by the job's last run",
    Patience: "no job was ended for its time before the host had run for so long, or after it had answered",
    Blame: "no job failed or was cancelled without a cause in itself or in what was done to it",
    Cause: "every worker's death has its true cause",
    Cancel: "no process of a job's worker ran when its cancel returned true",
    Late: "nothing of a job ran after its end",
    Events: "a job's events have no gap, and its one end comes last",
    Told: "broadcaster and completion hook were told of every end once",
    Control: "a reload reached every worker, and one that was refused reached none",
    Pool: "the pool never gave up, and filled again to its size",
    Spinning: "Ostler's threads did not spin over what could not be done",
    Refusal: "a launch that would not hear of its workers' ends was refused, and said what to do",
    Ordeal: "what was to be done to the host could be done",
    Groups: "nobody of a dead worker's group ran",
    Daemons: "what had left its group was gone soon after its worker",
    Children: "the host's children were its workers, and no zombies",
    Descriptors: "the host's descriptors are as many of each kind as after the warm-up",
    Threads: "the host's threads are as many as after the warm-up",
    Memory: "the host's memory has not grown past its bound",
    Sockets: "nobody held a dead worker's socket",
    Records: "every worker was on record when that could be written again, and there was one record",
    Shared: "nothing was left in /dev/shm",
    Shutdown: "after the shutdown nothing was left",
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
