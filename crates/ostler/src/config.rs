use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ostler_lifecycle::serde_form;
use ostler_lifecycle::{
    FailureKind, MemoryRules, PluginKey, PoolConfig, Recycling, RestartPolicy, RetryPolicy,
};
use ostler_process::check_limits;
use ostler_shm::TrustedPeer;
use ostler_wire::DEFAULT_MAX_FRAME_BYTES;
use serde::{Deserialize, Serialize};

use crate::{LaunchError, PoolSize, ResizeError, WorkerLimits};

/// How a manager keeps its workers. Checked at launch.
///
/// In JSON, TOML and the like it is an object of these names, all of them optional: durations as in `"1.5s"` or
/// `"2m 30s"`, sizes as numbers of bytes or as in `"512M"`. A name that is not known is an error.
///
/// ```
/// use std::time::Duration;
/// use ostler::{RestartPolicy, WorkerConfig};
///
/// let config = WorkerConfig {
///     max_workers: 2,
///     restart_policy: RestartPolicy::Always,
///     shutdown_timeout: Duration::from_secs(20),
///     ..WorkerConfig::default()
/// };
/// # assert_eq!(config.max_restart_attempts, 3);
/// ```
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WorkerConfig {
    /// Jobs that may run at once, each in a worker of its own, 1 to 4,096. Default 1.
    pub max_workers: u32,
    /// Workers that are kept loaded beside those, up to 4,096: when one is killed or recycled, the next job runs in a
    /// standby at once, and waits neither for the death nor for plugins to load. Each costs the memory of a worker with
    /// its plugins loaded. Default 0.
    pub standby: u32,
    /// How long a worker may be idle before it is let go, while there are more than `min_workers` and the standbys; more
    /// than zero. It is started again when a job waits for it, and loads its plugins again. The pool starts with
    /// `min_workers` and the standbys then, or with one, so that a launch shows whether workers start; and a restart policy
    /// keeps no more than those. Who replaces one that has reached the end of its life goes on with its time. Default `None`:
    /// all are kept.
    #[serde(with = "serde_form::duration::option")]
    pub idle_timeout: Option<Duration>,
    /// With an `idle_timeout`: workers that are kept although there is nothing to do, beside the standbys, at most
    /// `max_workers`. Default 0.
    pub min_workers: u32,
    /// What happens when a worker is gone. Default [`RestartPolicy::Backoff`].
    pub restart_policy: RestartPolicy,
    /// Restarts after crashes that are allowed within `restart_window`, over all workers. When they are used up, the next
    /// one waits until there is room again while another worker lives: the manager is [degraded](crate::Health). When none
    /// lives, the manager is down: what waits fails. A job that is tried again after a crash uses up one each time, so with
    /// `retry` there should be many more than its `max_crashes`. Default 3.
    pub max_restart_attempts: u32,
    /// The same for restarts after workers that could not be started or loaded. One whose own worker becomes ready does not
    /// count. Default 3.
    pub max_start_attempts: u32,
    /// How long a restart counts; more than zero. Default 60 s.
    #[serde(with = "serde_form::duration")]
    pub restart_window: Duration,
    /// The first delay of [`RestartPolicy::Backoff`]. It doubles with each fault in the same slot, until a worker there has
    /// answered a job, or was ready for a whole `restart_window`. A degraded manager waits at least as long between the
    /// starts of a missing worker, under every policy. Default 1 s.
    #[serde(with = "serde_form::duration")]
    pub restart_backoff_base: Duration,
    /// The longest delay of [`RestartPolicy::Backoff`], not less than the first. Default 60 s.
    #[serde(with = "serde_form::duration")]
    pub restart_backoff_max: Duration,
    /// From a worker's start to its hello, and from a job's sending to its start; more than zero. Default 30 s.
    #[serde(with = "serde_form::duration")]
    pub worker_start_timeout: Duration,
    /// For loading all plugins of a worker; more than zero. Default 300 s.
    #[serde(with = "serde_form::duration")]
    pub load_timeout: Duration,
    /// For [`reload_plugin`](crate::JobManager::reload_plugin); more than zero. Default 30 s.
    #[serde(with = "serde_form::duration")]
    pub reload_timeout: Duration,
    /// For [`unload_plugin`](crate::JobManager::unload_plugin), and for a worker's answer about its state; more
    /// than zero. Default 10 s.
    #[serde(with = "serde_form::duration")]
    pub unload_timeout: Duration,
    /// How long [`shutdown`](crate::JobManager::shutdown) lets jobs finish. Default 5 s.
    #[serde(with = "serde_form::duration")]
    pub shutdown_timeout: Duration,
    /// How long a killed worker may take to die before it is given up; more than zero. Default 5 s.
    #[serde(with = "serde_form::duration")]
    pub kill_timeout: Duration,
    /// How long a running job may tidy up before a cancel kills it. Default zero.
    #[serde(with = "serde_form::duration")]
    pub cancel_grace: Duration,
    /// How long a job may tidy up that has run for as long as its timeout, before it is killed: the plugin is asked to end as
    /// at a cancel. A job that ends in that time has failed as timed out all the same, whatever it answers, and its
    /// worker lives on with its plugins loaded. Default zero: a timeout kills at once.
    #[serde(with = "serde_form::duration")]
    pub timeout_grace: Duration,
    /// How long [`validate_resources`](crate::BaseJobManager::validate_resources) may think over a job that had to wait;
    /// then the job waits on, and is asked about again. More than zero. Default 60 s.
    #[serde(with = "serde_form::duration")]
    pub hook_timeout: Duration,
    /// A worker that loads, runs a job or reloads, and says nothing for so long, is asked whether it lives; zero for
    /// never. An idle worker is never asked. Default 10 s.
    #[serde(with = "serde_form::duration")]
    pub heartbeat_interval: Duration,
    /// How long it may take to answer that, before it counts as frozen and is killed; more than zero. Default 20 s.
    #[serde(with = "serde_form::duration")]
    pub heartbeat_timeout: Duration,
    /// Whether jobs run again when they fail, unless they say otherwise. Default: they do not.
    pub retry: RetryPolicy,
    /// When workers are replaced although nothing is wrong with them. Default never.
    pub recycling: Recycling,
    /// What each worker may take at most. Default no limits.
    pub limits: WorkerLimits,
    /// How much memory the host shall have left, in bytes. Below it idle workers are ended, and then jobs that may run
    /// again. With it, memory is looked at twice a second. Default `None`.
    #[serde(with = "serde_form::byte_size")]
    pub min_available_memory: Option<u64>,
    /// How much longer a job waits, at most, for each step of priority that others are above it, at most a year. A job goes
    /// before all that come later than it by more than that: with `"1s"`, one of [`Priority::LOW`](crate::Priority::LOW)
    /// is passed by those of normal priority that come in the 10 s after it, and by no others. Zero: higher priorities go
    /// first whenever they come, so that low ones may wait for ever. Default zero.
    #[serde(with = "serde_form::duration")]
    pub aging_step: Duration,
    /// How many jobs of a plugin may run at once, at least 1, for plugins of which fewer may than there are workers: by the
    /// name that workers call it; of another name a warning is logged. Jobs of others pass those that wait for that;
    /// [`why_waits`](crate::JobManager::why_waits) tells. A job counts from the moment in which it is given a worker until
    /// that worker is free, or dead, or given up as one that does not die. Default none.
    pub plugin_limits: BTreeMap<String, u32>,
    /// Jobs that may wait at once; 0 for no limit. Default 0.
    pub queue_capacity: usize,
    /// The largest frame to or from a worker, in bytes, 4 KiB to 1 GiB. Default 128 MiB.
    #[serde(with = "serde_form::byte_count")]
    pub max_frame_bytes: usize,
    /// Memory that a host and each of its workers share for large payloads, in bytes and each way, so at most twice as
    /// much for each worker; at most 1 TiB, and 0 for none. It is taken only as large payloads need it: parts of 64 KiB
    /// and more of requests and results. Then it is kept for the next ones, until 64 of them found it of no use, or the
    /// worker ends. With `results_in_place`, results count as long as somebody holds their bytes, the records of ended
    /// jobs among them. Where it does not suffice, payloads go through the socket. Where `limits` or `recycling` bound the memory of a worker, no
    /// more than an eighth of that is shared each way. Default 256 MiB.
    #[serde(with = "serde_form::byte_count")]
    pub shared_memory_bytes: usize,
    /// Whether the large parts of a result, of 64 KiB and more, stay in the memory in which the worker wrote them. `None`,
    /// the default, copies them once into the host's own memory as they come: that is right whatever a worker does, and
    /// gives the shared memory back at once. A [`TrustedPeer`] saves that copy into new memory;
    /// but a worker that breaks its word could then change bytes that the host reads, so to make one is `unsafe`.
    /// What a worker sends back as it came is the host's own memory, and never copied. No file can set this.
    #[serde(skip)]
    pub results_in_place: Option<TrustedPeer>,
    /// How long host and worker look for each other's next word before they sleep, at most 10 ms; zero for never. To be
    /// woken takes longer than a small job, so a busy pool of small jobs is several times faster with it, at the price
    /// of processor time: both look only if the last wait was no longer than this, so an idle pool pays nothing, and
    /// long jobs pay it once. Worth it where a core is free for each worker and one for the host. Default zero.
    #[serde(with = "serde_form::duration")]
    pub spin: Duration,
    /// Ended jobs that can still be looked up; the oldest are forgotten first. Default 1,000.
    pub finished_jobs_kept: usize,
    /// How long after its end a job is forgotten at the latest, with its events; at most a year. It goes up to a second
    /// after that time, so that many can go at once. `None`: only when others need its place. Default `None`.
    #[serde(with = "serde_form::duration::option")]
    pub finished_jobs_kept_for: Option<Duration>,
}

impl Default for WorkerConfig {
    fn default() -> Self {
        let pool = PoolConfig::default();
        Self {
            max_workers: pool.max_workers,
            standby: pool.standby,
            idle_timeout: pool.idle_timeout,
            min_workers: pool.min_workers,
            restart_policy: pool.restart_policy,
            max_restart_attempts: pool.max_restart_attempts,
            max_start_attempts: pool.max_start_attempts,
            restart_window: pool.restart_window,
            restart_backoff_base: pool.restart_backoff_base,
            restart_backoff_max: pool.restart_backoff_max,
            worker_start_timeout: pool.start_timeout,
            load_timeout: pool.load_timeout,
            reload_timeout: pool.reload_timeout,
            unload_timeout: pool.unload_timeout,
            shutdown_timeout: Duration::from_secs(5),
            kill_timeout: pool.kill_timeout,
            cancel_grace: pool.cancel_grace,
            timeout_grace: pool.timeout_grace,
            hook_timeout: pool.hook_timeout,
            heartbeat_interval: pool.heartbeat_interval,
            heartbeat_timeout: pool.heartbeat_timeout,
            retry: RetryPolicy::default(),
            recycling: Recycling::default(),
            limits: WorkerLimits::default(),
            min_available_memory: None,
            aging_step: pool.aging_step,
            plugin_limits: BTreeMap::new(),
            queue_capacity: pool.queue_capacity,
            max_frame_bytes: DEFAULT_MAX_FRAME_BYTES,
            shared_memory_bytes: 256 << 20,
            results_in_place: None,
            spin: Duration::ZERO,
            finished_jobs_kept: 1_000,
            finished_jobs_kept_for: None,
        }
    }
}

impl WorkerConfig {
    /// The first value that is out of bounds, as an error that names it.
    pub(crate) fn check(&self) -> Result<(), LaunchError> {
        let out_of_bounds =
            |field, bound: &str| Err(LaunchError::InvalidConfig { field, bound: bound.into() });
        let size = PoolSize { max_workers: self.max_workers, standby: self.standby };
        if let Err(ResizeError { field, bound }) = size.check() {
            return out_of_bounds(field, bound);
        }
        if self.min_workers > self.max_workers {
            return out_of_bounds("min_workers", "at most max_workers");
        }
        if let Err((field, bound)) = check_limits(&self.limits) {
            return out_of_bounds(field, bound);
        }
        if self.retry.max_attempts == 0 {
            return out_of_bounds("retry.max_attempts", "at least 1");
        }
        if self.retry.max_crashes == 0 {
            return out_of_bounds("retry.max_crashes", "at least 1");
        }
        if self.recycling.after_jobs == Some(0) {
            return out_of_bounds("recycling.after_jobs", "at least 1");
        }
        if self.plugin_limits.values().any(|limit| *limit == 0) {
            return out_of_bounds("plugin_limits", "at least 1 for each plugin");
        }
        if !(4096..=1 << 30).contains(&self.max_frame_bytes) {
            return out_of_bounds("max_frame_bytes", "4096 (4 KiB) to 1073741824 (1 GiB)");
        }
        if self.restart_backoff_max < self.restart_backoff_base {
            return out_of_bounds("restart_backoff_max", "at least restart_backoff_base");
        }
        if self.shared_memory_bytes > 1 << 40 {
            return out_of_bounds("shared_memory_bytes", "at most 1099511627776 (1 TiB)");
        }
        if self.spin > Duration::from_millis(10) {
            return out_of_bounds("spin", "at most 10 ms");
        }
        let positive = [
            ("restart_window", self.restart_window),
            ("worker_start_timeout", self.worker_start_timeout),
            ("load_timeout", self.load_timeout),
            ("reload_timeout", self.reload_timeout),
            ("unload_timeout", self.unload_timeout),
            ("kill_timeout", self.kill_timeout),
            ("hook_timeout", self.hook_timeout),
            ("heartbeat_timeout", self.heartbeat_timeout),
            ("idle_timeout", self.idle_timeout.unwrap_or(Duration::from_secs(1))),
            ("recycling.after_age", self.recycling.after_age.unwrap_or(Duration::from_secs(1))),
        ];
        // A sum with the clock must not overflow, whatever was meant by the largest value.
        let year = Duration::from_secs(365 * 24 * 3600);
        for (field, value) in positive {
            if value.is_zero() || value > year {
                return out_of_bounds(field, "more than zero and at most a year");
            }
        }
        let any = [
            ("shutdown_timeout", self.shutdown_timeout),
            ("cancel_grace", self.cancel_grace),
            ("timeout_grace", self.timeout_grace),
            ("heartbeat_interval", self.heartbeat_interval),
            ("aging_step", self.aging_step),
            ("finished_jobs_kept_for", self.finished_jobs_kept_for.unwrap_or_default()),
            ("retry.backoff_base", self.retry.backoff_base),
            ("retry.backoff_max", self.retry.backoff_max),
            ("restart_backoff_max", self.restart_backoff_max),
        ];
        for (field, value) in any {
            if value > year {
                return out_of_bounds(field, "at most a year");
            }
        }
        Ok(())
    }

    /// Whether the crashes of a single job, before it is put into quarantine, use up all restarts of the pool.
    pub(crate) fn one_job_may_take_all_down(&self) -> bool {
        let retried = self.retry.kinds.contains(&FailureKind::Crashed);
        retried && self.max_restart_attempts <= self.retry.max_crashes
    }

    /// What is shared with each worker, each way.
    pub(crate) fn shared_memory(&self) -> usize {
        let limits = [self.limits.memory, self.limits.address_space, self.recycling.after_growth];
        let eighth = limits.into_iter().flatten().min().map_or(u64::MAX, |limit| limit / 8);
        self.shared_memory_bytes.min(usize::try_from(eighth).unwrap_or(usize::MAX))
    }

    /// `key` gives a plugin's number.
    pub(crate) fn pool(
        &self,
        has_hook: bool,
        jitter_seed: u64,
        mut key: impl FnMut(&str) -> PluginKey,
    ) -> PoolConfig {
        PoolConfig {
            max_workers: self.max_workers,
            standby: self.standby,
            idle_timeout: self.idle_timeout,
            min_workers: self.min_workers,
            restart_policy: self.restart_policy,
            max_restart_attempts: self.max_restart_attempts,
            max_start_attempts: self.max_start_attempts,
            restart_window: self.restart_window,
            restart_backoff_base: self.restart_backoff_base,
            restart_backoff_max: self.restart_backoff_max,
            start_timeout: self.worker_start_timeout,
            load_timeout: self.load_timeout,
            reload_timeout: self.reload_timeout,
            unload_timeout: self.unload_timeout,
            kill_timeout: self.kill_timeout,
            cancel_grace: self.cancel_grace,
            timeout_grace: self.timeout_grace,
            has_hook,
            hook_timeout: self.hook_timeout,
            heartbeat_interval: self.heartbeat_interval,
            heartbeat_timeout: self.heartbeat_timeout,
            retry: Arc::new(self.retry.clone()),
            recycling: self.recycling.clone(),
            memory: MemoryRules {
                max_resident: self.limits.memory,
                min_available: self.min_available_memory,
            },
            aging_step: self.aging_step,
            plugin_limits: self.plugin_limits.iter().map(|(name, limit)| (key(name), *limit)).collect(),
            queue_capacity: self.queue_capacity,
            jitter_seed,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    #[test]
    fn a_config_file_needs_only_what_differs() {
        let read: WorkerConfig = serde_json::from_value(json!({
            "max_workers": 4,
            "restart_policy": "always",
            "shutdown_timeout": "1m 30s",
            "min_available_memory": "1G",
            "shared_memory_bytes": "64M",
            "retry": {"max_attempts": 3},
            "recycling": {"after_age": "2h", "after_growth": "512M"},
            "limits": {"memory": "2G", "cpu_time": "90s", "nice": 5},
        }))
        .unwrap();
        let expected = WorkerConfig {
            max_workers: 4,
            restart_policy: RestartPolicy::Always,
            shutdown_timeout: Duration::from_secs(90),
            min_available_memory: Some(1 << 30),
            shared_memory_bytes: 64 << 20,
            retry: RetryPolicy { max_attempts: 3, ..RetryPolicy::default() },
            recycling: Recycling {
                after_age: Some(Duration::from_secs(7200)),
                after_growth: Some(512 << 20),
                ..Recycling::default()
            },
            limits: WorkerLimits {
                memory: Some(2 << 30),
                cpu_time: Some(Duration::from_secs(90)),
                nice: Some(5),
                ..WorkerLimits::default()
            },
            ..WorkerConfig::default()
        };
        assert_eq!(read, expected);
        assert_eq!(serde_json::from_value::<WorkerConfig>(json!({})).unwrap(), WorkerConfig::default());
    }

    #[test]
    fn a_config_survives_its_json() {
        let config = WorkerConfig { spin: Duration::from_micros(100), ..WorkerConfig::default() };
        let text = serde_json::to_string(&config).unwrap();
        assert!(text.contains(r#""spin":"0.0001s""#), "{text}");
        assert_eq!(serde_json::from_str::<WorkerConfig>(&text).unwrap(), config);
    }

    #[test]
    fn a_misspelled_setting_is_named() {
        for wrong in [json!({"max_worker": 2}), json!({"limits": {"ram": 1}}), json!({"spin": 5})] {
            let error = serde_json::from_value::<WorkerConfig>(wrong.clone()).unwrap_err().to_string();
            assert!(
                error.contains("max_worker`")
                    || error.contains("ram`")
                    || error.contains("duration with its unit"),
                "{error}"
            );
        }
    }

    type Spoil = fn(&mut WorkerConfig);

    #[test]
    fn that_one_job_may_take_all_down_is_noticed() {
        let with = |max_restart_attempts, retry| WorkerConfig {
            max_restart_attempts,
            retry,
            ..WorkerConfig::default()
        };
        assert!(with(3, RetryPolicy::attempts(3)).one_job_may_take_all_down());
        assert!(!with(4, RetryPolicy::attempts(3)).one_job_may_take_all_down());
        assert!(!with(0, RetryPolicy::default()).one_job_may_take_all_down(), "it runs once");
    }

    #[test]
    fn what_is_shared_is_a_small_part_of_what_a_worker_may_have() {
        let mut config = WorkerConfig { shared_memory_bytes: 64 << 20, ..WorkerConfig::default() };
        assert_eq!(config.shared_memory(), 64 << 20);
        config.limits.memory = Some(1 << 30);
        assert_eq!(config.shared_memory(), 64 << 20);
        config.recycling.after_growth = Some(256 << 20);
        assert_eq!(config.shared_memory(), 32 << 20);
    }

    #[test]
    fn every_bound_is_checked_and_named() {
        assert!(WorkerConfig::default().check().is_ok());
        let bad: [(&str, Spoil); 26] = [
            ("shared_memory_bytes", |config| config.shared_memory_bytes = usize::MAX),
            ("spin", |config| config.spin = Duration::from_millis(11)),
            ("max_workers", |config| config.max_workers = 0),
            ("max_workers", |config| config.max_workers = 4097),
            ("limits.memory", |config| config.limits.memory = Some(1)),
            ("standby", |config| config.standby = 4097),
            ("min_workers", |config| config.min_workers = 2),
            ("idle_timeout", |config| config.idle_timeout = Some(Duration::ZERO)),
            ("retry.max_attempts", |config| config.retry.max_attempts = 0),
            ("retry.max_crashes", |config| config.retry.max_crashes = 0),
            ("retry.backoff_max", |config| config.retry.backoff_max = Duration::MAX),
            ("recycling.after_jobs", |config| config.recycling.after_jobs = Some(0)),
            ("recycling.after_age", |config| config.recycling.after_age = Some(Duration::ZERO)),
            ("hook_timeout", |config| config.hook_timeout = Duration::ZERO),
            ("heartbeat_timeout", |config| config.heartbeat_timeout = Duration::ZERO),
            ("max_frame_bytes", |config| config.max_frame_bytes = 100),
            ("max_frame_bytes", |config| config.max_frame_bytes = usize::MAX),
            ("restart_backoff_max", |config| config.restart_backoff_max = Duration::from_millis(1)),
            ("restart_window", |config| config.restart_window = Duration::ZERO),
            ("worker_start_timeout", |config| config.worker_start_timeout = Duration::ZERO),
            ("load_timeout", |config| config.load_timeout = Duration::MAX),
            ("reload_timeout", |config| config.reload_timeout = Duration::ZERO),
            ("unload_timeout", |config| config.unload_timeout = Duration::ZERO),
            ("kill_timeout", |config| config.kill_timeout = Duration::ZERO),
            ("cancel_grace", |config| config.cancel_grace = Duration::MAX),
            ("timeout_grace", |config| config.timeout_grace = Duration::MAX),
        ];
        for (name, spoil) in bad {
            let mut config = WorkerConfig::default();
            spoil(&mut config);
            match config.check() {
                Err(LaunchError::InvalidConfig { field, .. }) => assert_eq!(field, name),
                other => panic!("{name}: {other:?}"),
            }
        }
    }
}
