use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use ostler_lifecycle::{JobId, JobStatus, Priority, RetryPolicy};
use ostler_wire::Attachment;
use serde_json::Value;

use super::{Job, JobType, Metadata, PluginId};

/// A job that is asked for and does not exist yet.
///
/// ```
/// # use std::time::Duration;
/// # use ostler::{NewJob, Priority};
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
/// # struct Transcribe { file_path: String }
/// # impl ostler::JobType for Transcribe { type Output = String; }
/// let new = NewJob::new("whisper", Transcribe { file_path: "/audio/talk.mp3".into() })
///     .priority(Priority::HIGH)
///     .timeout(Duration::from_secs(600))
///     .metadata("file_name", "talk.mp3");
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing runs until it is handed to a manager or a tracker"]
pub struct NewJob<J> {
    /// Which plugin.
    pub plugin_id: PluginId,
    /// What is asked of it.
    pub spec: J,
    /// Its place in the queue.
    pub priority: Priority,
    /// How long it may run, from its start. None for as long as it likes.
    pub timeout: Option<Duration>,
    /// How long it may wait for its first start. None for as long as it takes.
    pub queue_timeout: Option<Duration>,
    /// How long it may report nothing while it runs: no progress, chunk, log line or output. None for ever.
    pub stall_timeout: Option<Duration>,
    /// Whether it runs again when it fails. None for what the manager says.
    pub retry: Option<Arc<RetryPolicy>>,
    /// The job that this one runs again.
    pub rerun_of: Option<JobId>,
    /// What the host wants to remember.
    pub metadata: Metadata,
    /// Bytes that travel with the request.
    pub attachments: Vec<Attachment>,
}

impl<J> NewJob<J> {
    /// A request of normal priority, without a timeout, metadata or attachments.
    pub fn new(plugin_id: impl Into<PluginId>, spec: J) -> Self {
        Self {
            plugin_id: plugin_id.into(),
            spec,
            priority: Priority::NORMAL,
            timeout: None,
            queue_timeout: None,
            stall_timeout: None,
            retry: None,
            rerun_of: None,
            metadata: Metadata::new(),
            attachments: Vec::new(),
        }
    }

    /// The same job with another form of its spec, if it has one.
    pub(crate) fn try_map<K, E>(self, map: impl FnOnce(J) -> Result<K, E>) -> Result<NewJob<K>, E> {
        Ok(NewJob {
            spec: map(self.spec)?,
            plugin_id: self.plugin_id,
            priority: self.priority,
            timeout: self.timeout,
            queue_timeout: self.queue_timeout,
            stall_timeout: self.stall_timeout,
            retry: self.retry,
            rerun_of: self.rerun_of,
            metadata: self.metadata,
            attachments: self.attachments,
        })
    }

    /// Sets its place in the queue.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Sets how long it may run, from its start.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets how long it may wait for its first start; then it fails as timed out.
    pub fn queue_timeout(mut self, timeout: Duration) -> Self {
        self.queue_timeout = Some(timeout);
        self
    }

    /// Sets how long it may report nothing while it runs; then it is killed, and fails as stalled.
    pub fn stall_timeout(mut self, timeout: Duration) -> Self {
        self.stall_timeout = Some(timeout);
        self
    }

    /// Sets whether it runs again when it fails, instead of what the manager says. Many jobs may share one policy.
    pub fn retry(mut self, policy: impl Into<Arc<RetryPolicy>>) -> Self {
        self.retry = Some(policy.into());
        self
    }

    /// Remembers a value under a name; the same name again replaces it.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(name, value);
        self
    }

    /// Adds bytes that travel with the request.
    pub fn attach(
        mut self,
        name: impl Into<String>,
        media_type: impl Into<String>,
        bytes: impl Into<Bytes>,
    ) -> Self {
        let attachment = Attachment { name: name.into(), media_type: media_type.into(), bytes: bytes.into() };
        self.attachments.push(attachment);
        self
    }

    /// The pending job that this becomes, and the attachments of its request, which are no part of the
    /// record: they are needed once, and may be large.
    pub(crate) fn into_job(self, id: JobId, created_at: Timestamp) -> (Job<J>, Vec<Attachment>)
    where
        J: JobType,
    {
        let job = Job {
            id,
            plugin_id: self.plugin_id,
            spec: self.spec,
            status: JobStatus::Pending,
            created_at,
            started_at: None,
            completed_at: None,
            result: None,
            error: None,
            metadata: self.metadata,
            worker_pid: None,
            priority: self.priority,
            timeout: self.timeout,
            queue_timeout: self.queue_timeout,
            stall_timeout: self.stall_timeout,
            retry: self.retry,
            rerun_of: self.rerun_of,
            attempt: 0,
            past_failures: Vec::new(),
            block_reason: None,
            cancellation: None,
            swept: 0,
            sweep_error: None,
            attachments: Vec::new(),
        };
        (job, self.attachments)
    }
}
