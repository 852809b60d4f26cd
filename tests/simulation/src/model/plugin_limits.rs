//! Of some plugins only so many jobs may run at once.

use ostler_lifecycle::{JobId, PluginKey};

use super::job::Job;
use super::{Model, Verdict, ensure};

impl Model {
    fn limit(&self, plugin: PluginKey) -> Option<usize> {
        let limits = &self.config.plugin_limits;
        limits.iter().find(|(limited, _)| *limited == plugin).map(|(_, limit)| *limit as usize)
    }

    /// Jobs of a plugin that a worker has or is reserved for; a worker that is dying has its job still. Of a reservation
    /// it may not be known whether it was lost.
    fn taken(&self, plugin: PluginKey, with_unknown: bool) -> usize {
        let holds = |job: &Job| {
            let asked = job.question.as_ref();
            let reserved = asked.is_some_and(|question| with_unknown || question.losses == self.losses);
            reserved || job.worker().is_some_and(|worker| !self.is_given_up(worker))
        };
        self.jobs.values().filter(|job| job.plugin == plugin && holds(job)).count()
    }

    /// How many more of a plugin may start, at least.
    fn room(&self, plugin: PluginKey) -> usize {
        self.limit(plugin).map_or(usize::MAX, |limit| limit.saturating_sub(self.taken(plugin, true)))
    }

    /// Ready, and its plugin has certainly room for it.
    pub(super) fn may_start(&self, job: &Job) -> bool {
        job.is_ready() && self.room(job.plugin) > 0
    }

    /// How many of those that wait may have to wait although there were workers for all.
    pub(super) fn held_back(&self) -> usize {
        let held = self.config.plugin_limits.iter().map(|(plugin, _)| {
            let waits = |job: &&Job| job.plugin == *plugin && job.is_pending();
            self.jobs.values().filter(waits).count().saturating_sub(self.room(*plugin))
        });
        held.sum()
    }

    pub(super) fn no_more_of_a_plugin_run_than_may(&self, id: JobId, plugin: PluginKey) -> Verdict {
        let taken = self.taken(plugin, false);
        ensure(
            self.limit(plugin).is_none_or(|limit| taken < limit),
            "no_more_of_a_plugin_run_than_may",
            || format!("{id} of {plugin:?} starts, and {taken} have not ended"),
        )
    }
}
