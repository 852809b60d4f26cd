//! What the host has chosen: the pool's configuration, and what it says of its jobs.

use std::sync::Arc;
use std::time::Duration;

use ostler_lifecycle::{
    Category, FailureKind, MemoryRules, PluginKey, PoolConfig, Recycling, RestartPolicy, RetryPolicy,
};

use super::rng::Rng;

/// The plugins that there are.
pub(crate) const PLUGINS: [PluginKey; 3] = [PluginKey(1), PluginKey(2), PluginKey(3)];
/// What a worker takes at least once it has loaded its plugins, and by how much more it may begin.
pub(crate) const BASELINE: u64 = 100;
pub(crate) const BASELINE_SPREAD: u64 = 20;
/// What the host must have left, where it must have something left.
pub(crate) const LEAST: u64 = 1000;

pub(crate) fn config(restart_policy: RestartPolicy, rng: &mut Rng) -> PoolConfig {
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
        timeout_grace: ms(&[0, 0, 20, 200]),
        hook_timeout: ms(&[30, 600, 5000]),
        heartbeat_interval: ms(&[0, 20, 100, 500]),
        heartbeat_timeout: ms(&[20, 60, 300]),
        has_hook: rng.chance(700),
        max_workers: rng.pick(&[1, 1, 2, 3]),
        standby: rng.pick(&[0, 0, 1, 2]),
        idle_timeout: rng.pick(&[None, None, Some(20), Some(400)]).map(Duration::from_millis),
        min_workers: rng.pick(&[0, 1, 2]),
        restart_policy,
        max_restart_attempts: rng.pick(&[0, 1, 3, 10, 50]),
        max_start_attempts: rng.pick(&[0, 1, 3, 10, 50]),
        retry: Arc::new(retry_policy(rng)),
        recycling: recycling(rng),
        memory: memory(rng),
        aging_step: Duration::from_millis(rng.pick(&[0, 0, 3, 60])),
        plugin_limits: plugin_limits(rng),
        queue_capacity: rng.pick(&[0, 0, 1, 5]),
        jitter_seed: rng.next(),
    }
}

/// From "never again" to "again and again, at once".
pub(crate) fn retry_policy(rng: &mut Rng) -> RetryPolicy {
    use FailureKind::{Crashed, Interrupted, Panicked, Plugin, Protocol, Stalled, TimedOut};
    let all = [Plugin, Panicked, Crashed, TimedOut, Stalled, Interrupted, Protocol];
    let each = rng.pick(&[0, 500, 900, 1000]);
    RetryPolicy {
        max_attempts: rng.pick(&[1, 2, 3, 5]),
        max_crashes: rng.pick(&[1, 2, 3]),
        backoff_base: Duration::from_millis(rng.pick(&[0, 0, 10, 100])),
        backoff_max: Duration::from_millis(rng.pick(&[0, 30, 500])),
        kinds: all.into_iter().filter(|_| rng.chance(each)).collect(),
        categories: [Category::Transient, Category::Resource, Category::Input]
            .into_iter()
            .filter(|_| rng.chance(each))
            .collect(),
    }
}

fn plugin_limits(rng: &mut Rng) -> Vec<(PluginKey, u32)> {
    let [first, second, _] = PLUGINS;
    match rng.below(4) {
        0 => vec![(first, 1)],
        1 => vec![(first, 1), (second, 2)],
        _ => vec![],
    }
}

fn recycling(rng: &mut Rng) -> Recycling {
    if rng.chance(500) {
        return Recycling::default();
    }
    Recycling {
        fresh_process: rng.chance(250),
        after_jobs: rng.pick(&[None, Some(1), Some(2), Some(7)]),
        after_age: rng.pick(&[None, None, None, Some(15), Some(1500), Some(8000)]).map(Duration::from_millis),
        after_growth: rng.pick(&[None, Some(5), Some(40), Some(150)]),
    }
}

fn memory(rng: &mut Rng) -> MemoryRules {
    let hopeless = BASELINE + BASELINE_SPREAD / 2;
    MemoryRules {
        max_resident: rng.pick(&[None, None, Some(hopeless), Some(160), Some(200), Some(400)]),
        min_available: rng.pick(&[None, Some(LEAST)]),
    }
}
