use serde_json::Value;

/// Is told what happens to jobs and workers, to pass it on, as to the browsers that look at the host.
///
/// `event_type` is `{worker_type}:queued`, `started`, `completed`, `failed` or `cancelled` for a job, with at
/// least `job_id` and `plugin_id` in the data; `degraded` and `down`, with a `reason`, and `recovered` and `up`, for the
/// manager; other names are for workers and for the host's own events.
pub trait EventBroadcaster: Send + Sync + 'static {
    /// Passes an event on. It must not block.
    fn broadcast(&self, event_type: &str, data: Value);
}
