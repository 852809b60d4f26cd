use ostler_lifecycle::{PoolConfig, RestartPolicy};

use super::rng::Rng;
use super::settings;

/// How bad the world is in one run.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) config: PoolConfig,
    /// In a thousand things that a worker does, how many go wrong.
    pub(crate) faults: usize,
    /// In a thousand kills, how many meet a process that does not die in time.
    pub(crate) undying: usize,
    /// In a thousand answers of the resource hook, how many are not `Proceed`.
    pub(crate) refusals: usize,
    /// In a thousand measurements, after how many the host is short of memory from then on, or is not any more.
    pub(crate) shortages: usize,
    /// What a worker grows by with a job, at most.
    pub(crate) growth: u64,
    /// In a thousand acts of the host, how many resize the pool.
    pub(crate) resizes: usize,
    /// How much memory the host has beside what it must have left, if it is not short of it, at most.
    pub(crate) room: u64,
    /// Things that the host does before it lets the storm calm down.
    pub(crate) acts: usize,
    /// Milliseconds between two acts of the host, at most.
    pub(crate) host_gap: u64,
    /// Milliseconds that a job runs, at most.
    pub(crate) job_length: u64,
    /// Jobs that may be unfinished before the host stops submitting.
    pub(crate) crowd: usize,
    /// Whether the host shuts down in the middle of the storm.
    pub(crate) early_shutdown: bool,
    /// Whether the slots are filled at the beginning.
    pub(crate) eager: bool,
}

impl Scenario {
    pub(crate) fn random(policy: RestartPolicy, rng: &mut Rng) -> Self {
        Self {
            config: settings::config(policy, rng),
            faults: rng.pick(&[0, 5, 30, 100, 300]),
            undying: rng.pick(&[0, 0, 30, 200]),
            refusals: rng.pick(&[0, 100, 400]),
            shortages: rng.pick(&[0, 30, 200, 500]),
            growth: rng.pick(&[0, 10, 60]),
            resizes: rng.pick(&[0, 30, 150]),
            room: rng.pick(&[1, 200, 1000]),
            acts: rng.pick(&[20, 60, 200, 500]),
            host_gap: rng.pick(&[5, 40, 300]),
            job_length: rng.pick(&[2, 30, 200, 2000]),
            crowd: rng.pick(&[3, 10, 25]),
            early_shutdown: rng.chance(250),
            eager: rng.chance(700),
        }
    }
}
