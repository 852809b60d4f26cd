use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use ostler_lifecycle::serde_form;
use ostler_lifecycle::{BlockReason, Forensics, JobFailure, JobId, JobStatus, Priority, RetryPolicy};
use ostler_wire::Attachment;
use serde::{Deserialize, Serialize};

use super::{Cancellation, JobResult, JobType, Metadata, NewJob, PluginId};

/// The record of a job, as it stood when it was read.
///
/// In JSON timeouts are text as in `"1.5s"`, times are RFC 3339 in UTC, and attachments are left out.
#[derive(Clone, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Job<J: JobType> {
    /// Its name.
    pub id: JobId,
    /// Which plugin runs it.
    pub plugin_id: PluginId,
    /// What is asked of the plugin.
    pub spec: J,
    /// Where it stands.
    pub status: JobStatus,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its latest attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended, however it ended.
    pub completed_at: Option<Timestamp>,
    /// What it answered, once it is completed.
    pub result: Option<J::Output>,
    /// Why it failed, once it has.
    pub error: Option<Box<JobFailure>>,
    /// What the host wants to remember.
    #[serde(default)]
    pub metadata: Metadata,
    /// The process that runs or last ran it.
    pub worker_pid: Option<u32>,
    /// Its place in the queue.
    #[serde(default)]
    pub priority: Priority,
    /// How long it may run, from its start.
    #[serde(default, with = "serde_form::duration::option")]
    pub timeout: Option<Duration>,
    /// How long it may wait for its first start.
    #[serde(default, with = "serde_form::duration::option")]
    pub queue_timeout: Option<Duration>,
    /// How long it may report nothing while it runs.
    #[serde(default, with = "serde_form::duration::option")]
    pub stall_timeout: Option<Duration>,
    /// Whether it runs again when it fails; `None` for what its manager says.
    #[serde(default)]
    pub retry: Option<Arc<RetryPolicy>>,
    /// The job that it runs again, if somebody asked for that.
    #[serde(default)]
    pub rerun_of: Option<JobId>,
    /// How often it has begun; the first attempt is 1.
    #[serde(default)]
    pub attempt: u32,
    /// Why earlier attempts failed, oldest first; the last 8.
    #[serde(default)]
    pub past_failures: Vec<JobFailure>,
    /// Why it cannot start yet, while it is pending.
    #[serde(default)]
    pub block_reason: Option<BlockReason>,
    /// How it was cancelled, or that it was asked for and came too late.
    #[serde(default)]
    pub cancellation: Option<Box<Cancellation>>,
    /// Processes that had left the group of a worker that died with it, and were ended right after it. They are counted
    /// a moment after the job's end.
    #[serde(default)]
    pub swept: u32,
    /// Why it is not known whether [`swept`](Self::swept) is all: the host could not look at the processes of the system, for
    /// want of a descriptor perhaps. It goes on to look, and so does the next host: what was left is ended then, and is not
    /// counted here any more.
    #[serde(default)]
    pub sweep_error: Option<String>,
    /// Bytes that came with the answer.
    #[serde(skip)]
    pub attachments: Vec<Attachment>,
}

impl<J: JobType> Job<J> {
    /// The same job once more: its plugin, spec, priority, timeouts, retry policy and metadata as they stand on the record.
    /// What was attached to its request is not kept.
    pub(crate) fn again(&self) -> NewJob<J> {
        NewJob {
            plugin_id: self.plugin_id.clone(),
            spec: self.spec.clone(),
            priority: self.priority,
            timeout: self.timeout,
            queue_timeout: self.queue_timeout,
            stall_timeout: self.stall_timeout,
            retry: self.retry.clone(),
            rerun_of: Some(self.id),
            metadata: self.metadata.clone(),
            attachments: Vec::new(),
        }
    }

    /// How it ended; None while it has not.
    pub fn outcome(&self) -> Option<JobResult<J::Output>> {
        match self.status {
            JobStatus::Completed => self.result.clone().map(|data| JobResult::Success { data }),
            JobStatus::Failed => self.error.clone().map(JobResult::Error),
            JobStatus::Cancelled => Some(JobResult::Cancelled),
            JobStatus::Pending | JobStatus::Running | JobStatus::Cancelling => None,
        }
    }

    /// The evidence of the worker that last died with it.
    pub fn forensics(&self) -> Option<&Forensics> {
        let cancelled = self.cancellation.as_ref().and_then(|cancellation| cancellation.forensics.as_deref());
        let failed = self.error.as_ref().and_then(|failure| failure.forensics.as_deref());
        let before = self.past_failures.last().and_then(|failure| failure.forensics.as_deref());
        cancelled.or(failed).or(before)
    }

    /// Bytes of that name that came with the answer.
    pub fn attachment(&self, name: &str) -> Option<&Attachment> {
        self.attachments.iter().find(|attachment| attachment.name == name)
    }
}

// Spec, result and attachments are the user's: they may be huge, and need not be Debug.
impl<J: JobType> fmt::Debug for Job<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("id", &self.id)
            .field("plugin_id", &self.plugin_id)
            .field("status", &self.status)
            .field("attempt", &self.attempt)
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    #[derive(Clone, Serialize, Deserialize)]
    struct Count {
        text: String,
    }
    impl JobType for Count {
        type Output = u64;
    }

    fn job() -> Job<Count> {
        let new = NewJob::new("word_counter", Count { text: "a b".into() })
            .timeout(Duration::from_millis(1500))
            .metadata("file_name", "a.txt");
        let created = "2026-01-02T03:04:05Z".parse().unwrap();
        new.into_job(JobId::from_uuid(Uuid::from_u128(7)), created).0
    }

    #[test]
    fn the_json_is_what_a_client_expects() {
        let mut job = job();
        job.status = JobStatus::Cancelling;
        assert_eq!(
            serde_json::to_value(&job).unwrap(),
            json!({
                "id": "00000000-0000-0000-0000-000000000007",
                "plugin_id": "word_counter",
                "spec": {"text": "a b"},
                "status": "cancelling",
                "created_at": "2026-01-02T03:04:05Z",
                "started_at": null,
                "completed_at": null,
                "result": null,
                "error": null,
                "metadata": {"file_name": "a.txt"},
                "worker_pid": null,
                "priority": 0,
                "timeout": "1.5s",
                "queue_timeout": null,
                "stall_timeout": null,
                "retry": null,
                "rerun_of": null,
                "attempt": 0,
                "past_failures": [],
                "block_reason": null,
                "cancellation": null,
                "swept": 0,
                "sweep_error": null,
            })
        );
    }

    #[test]
    fn a_job_survives_its_json() {
        let mut job = job();
        job.status = JobStatus::Failed;
        job.error = Some(Box::new("broken".into()));
        job.block_reason = Some(BlockReason::Resources { reason: "memory".into() });
        let text = serde_json::to_string(&job).unwrap();
        let back: Job<Count> = serde_json::from_str(&text).unwrap();
        assert_eq!(back.timeout, job.timeout);
        assert_eq!(back.error, job.error);
        assert_eq!(serde_json::to_string(&back).unwrap(), text);
    }

    #[test]
    fn a_million_jobs_fit() {
        let own = size_of::<Job<Count>>() - size_of::<Count>();
        assert!(own <= 336, "a job takes {own} bytes beside its spec");
        assert_eq!(size_of::<Metadata>(), size_of::<usize>());
    }
}
