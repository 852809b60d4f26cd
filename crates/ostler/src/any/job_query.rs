use ostler_lifecycle::JobStatus;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::PluginId;

/// Which jobs to list. By default the oldest 100 of all.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct JobQuery {
    /// Goes on behind the last job of an earlier page, in the same direction.
    pub after: Option<JobCursor>,
    /// The youngest jobs first, instead of the oldest.
    pub newest_first: bool,
    /// How many at most, from 1 to 1,000; what is outside of that is taken as the nearest of both.
    pub limit: usize,
    /// Only those that stand so.
    pub status: Option<JobStatus>,
    /// Only those of this plugin.
    pub plugin: Option<PluginId>,
}

impl JobQuery {
    /// The most jobs that a page holds.
    pub const MOST: usize = 1_000;
}

impl Default for JobQuery {
    fn default() -> Self {
        Self { after: None, newest_first: false, limit: 100, status: None, plugin: None }
    }
}

/// A place in the order in which a manager's jobs were created. It holds as long as the manager, also when the job that was
/// there is forgotten.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobCursor(pub(super) u64);

/// Some of a manager's jobs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct JobPage {
    /// Their records, each what a [`Job`](crate::Job) is in JSON.
    pub jobs: Vec<Value>,
    /// Where the next page begins; `None` if there was nothing more.
    pub next: Option<JobCursor>,
}
