use std::sync::Arc;

use ostler_lifecycle::Health;
use serde::Serialize;

use crate::{JobCounts, PluginManifest, PoolSize, WorkerState};

/// How a manager stands, as it was looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Overview {
    /// Whether it has the workers that it should have.
    pub health: Health,
    /// Whether no job starts.
    pub is_paused: bool,
    /// How many jobs there are.
    pub jobs: JobCounts,
    /// How large its pool is to be.
    pub pool: PoolSize,
    /// Its workers.
    pub workers: Vec<WorkerState>,
    /// The plugins that its workers have loaded; none until one was ready.
    pub plugins: Arc<[PluginManifest]>,
}
