//! When a worker is replaced although nothing is wrong with it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Limits to a worker's life. Whatever is reached first counts; without any, workers live as long as they can.
///
/// But with `fresh_process`, a worker that has reached one goes on until its replacement is ready, or a standby is, and is
/// never ended in the middle of a job. One worker is replaced at a time.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recycling {
    /// Each job, and each further attempt, gets a process that has run no other. A worker that has run one takes no job any
    /// more, and its place is filled again at once, whatever the restart policy says. The next job waits while that one
    /// loads its plugins, unless the pool has a standby.
    pub fresh_process: bool,
    /// Jobs that it has run. It may run more while its replacement loads: this contains leaks, and does not give each job
    /// a worker of its own; see `fresh_process`.
    pub after_jobs: Option<u32>,
    /// How long it has been ready.
    #[serde(with = "crate::serde_form::duration::option")]
    pub after_age: Option<Duration>,
    /// How much its process has grown since it was ready, in bytes of resident memory, seen after each job. Not heeded
    /// where the worker cannot say.
    #[serde(with = "crate::serde_form::byte_size")]
    pub after_growth: Option<u64>,
}

/// What a worker has reached.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecycleReason {
    /// It has run a job, and each gets a process that has run no other.
    FreshProcess,
    /// It has run as many jobs as it may.
    Jobs,
    /// It is as old as it may become.
    Age,
    /// It has grown as much as it may.
    Growth,
}

/// Limits to memory, in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct MemoryRules {
    /// How large the processes of one worker may become together, as resident memory. A worker that takes more without
    /// any job shows that this is too low: the pool goes down.
    pub max_resident: Option<u64>,
    /// How much the host shall have left. Below it idle workers are given up, and then jobs that may be tried again; they
    /// come back when there is room for what they took.
    pub min_available: Option<u64>,
}

/// First jobs of so many workers in a row that each grow past `after_growth` show that the limit is too low: every job
/// would get a worker of its own, for ever.
const FIRST_JOBS: u32 = 3;

impl Recycling {
    /// What a worker has reached that has done so many jobs, been ready for so long and grown so much.
    pub(crate) fn reached(&self, jobs: u32, age: Duration, growth: u64) -> Option<RecycleReason> {
        if self.after_jobs.is_some_and(|limit| jobs >= limit) {
            Some(RecycleReason::Jobs)
        } else if self.after_age.is_some_and(|limit| age >= limit) {
            Some(RecycleReason::Age)
        } else if jobs > 0 && self.after_growth.is_some_and(|limit| growth > limit) {
            Some(RecycleReason::Growth)
        } else {
            None
        }
    }
}

/// Notices a limit to growth that the first job of every worker exceeds.
#[derive(Debug, Default)]
pub(crate) struct GrowthWatch {
    in_a_row: u32,
}

impl GrowthWatch {
    /// A worker has run a job: how many that makes, and whether it has grown too much. True if the limit is hopeless.
    pub(crate) fn after_job(&mut self, jobs: u32, too_large: bool) -> bool {
        match (jobs, too_large) {
            (1, true) => self.in_a_row += 1,
            (1, false) => self.in_a_row = 0,
            _ => {}
        }
        self.in_a_row >= FIRST_JOBS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_is_reached_by_itself() {
        let limits = Recycling {
            after_jobs: Some(3),
            after_age: Some(Duration::from_secs(60)),
            after_growth: Some(1000),
            ..Recycling::default()
        };
        let young = Duration::ZERO;
        assert_eq!(limits.reached(2, young, 1000), None);
        assert_eq!(limits.reached(3, young, 0), Some(RecycleReason::Jobs));
        assert_eq!(limits.reached(0, Duration::from_secs(60), 0), Some(RecycleReason::Age));
        assert_eq!(limits.reached(1, young, 1001), Some(RecycleReason::Growth));
        assert_eq!(limits.reached(0, young, 1001), None, "it has not run a job since it was measured");
        assert_eq!(Recycling::default().reached(u32::MAX, Duration::MAX, u64::MAX), None);
    }

    #[test]
    fn a_limit_that_every_first_job_exceeds_is_hopeless() {
        let mut watch = GrowthWatch::default();
        assert!(!watch.after_job(1, true));
        assert!(!watch.after_job(1, true));
        assert!(!watch.after_job(1, false), "one that fits starts the count again");
        assert!(!watch.after_job(1, true));
        assert!(!watch.after_job(2, true), "a second job says nothing");
        assert!(!watch.after_job(1, true));
        assert!(watch.after_job(1, true));
    }
}
