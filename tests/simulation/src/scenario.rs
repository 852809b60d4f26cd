use std::time::Duration;

use ostler_lifecycle::{PoolConfig, RestartPolicy};

use super::rng::Rng;

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
            config: config(policy, rng),
            faults: rng.pick(&[0, 5, 30, 100, 300]),
            undying: rng.pick(&[0, 0, 30, 200]),
            refusals: rng.pick(&[0, 100, 400]),
            acts: rng.pick(&[20, 60, 200, 500]),
            host_gap: rng.pick(&[5, 40, 300]),
            job_length: rng.pick(&[2, 30, 200, 2000]),
            crowd: rng.pick(&[3, 10, 25]),
            early_shutdown: rng.chance(250),
            eager: rng.chance(700),
        }
    }
}

fn config(restart_policy: RestartPolicy, rng: &mut Rng) -> PoolConfig {
    let mut ms = |choices: &[u64]| Duration::from_millis(rng.pick(choices));
    PoolConfig {
        restart_window: ms(&[500, 3000, 20_000]),
        restart_backoff_base: ms(&[0, 10, 200]),
        restart_backoff_max: ms(&[100, 2000]),
        start_timeout: ms(&[60, 500]),
        load_timeout: ms(&[60, 800]),
        reload_timeout: ms(&[50, 500, 2000]),
        unload_timeout: ms(&[50, 500]),
        kill_timeout: ms(&[20, 300]),
        cancel_grace: ms(&[0, 0, 20, 200]),
        slots: 1 + rng.below(4) as u32,
        restart_policy,
        max_restart_attempts: rng.pick(&[0, 1, 3, 10, 50]),
        queue_capacity: rng.pick(&[0, 0, 1, 5]),
        jitter_seed: rng.next(),
    }
}
