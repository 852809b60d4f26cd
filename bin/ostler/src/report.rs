use std::path::Path;

use ostler::{Attachment, Cancellation, Category, JobFailure, JobId, JobStatus};
use serde::Serialize;
use serde_json::Value;

use crate::attempts::before_the_last;
use crate::ending::Ending;
use crate::job::Job;
use crate::params::path_as_json;

/// What became of a job, as one line of JSON.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    /// None if there never was a job.
    id: Option<JobId>,
    plugin: &'a str,
    status: JobStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ReportedError<'a>>,
    /// The last one, from 1; left out if there was only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    /// Why those before failed, oldest first.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    past_failures: &'a [JobFailure],
    #[serde(skip_serializing_if = "Option::is_none")]
    cancellation: Option<&'a Cancellation>,
    /// Processes that its workers had left behind; counted only once the manager is shut down.
    #[serde(skip_serializing_if = "Option::is_none")]
    swept: Option<u32>,
    /// Why it is not known how many they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    sweep_error: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<ReportedFile<'a>>,
    #[serde(flatten)]
    times: Option<Times>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum ReportedError<'a> {
    Job(&'a JobFailure),
    /// In the form of a job's failure.
    Other {
        kind: &'static str,
        category: Category,
        message: String,
    },
}

/// Bytes that came with the result, without the bytes.
#[derive(Serialize)]
struct ReportedFile<'a> {
    name: &'a str,
    media_type: &'a str,
    size: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    saved: Option<Value>,
}

#[derive(Serialize)]
struct Times {
    created_at: String,
    started_at: Option<String>,
    completed_at: Option<String>,
    queued_ms: Option<f64>,
    run_ms: Option<f64>,
    worker_pid: Option<u32>,
}

impl<'a> Report<'a> {
    pub(crate) fn of(ending: &'a Ending, plugin: &'a str) -> Self {
        match ending {
            Ending::Finished(job) => Self {
                id: Some(job.id),
                plugin,
                status: job.status,
                result: job.result.as_ref(),
                error: job.error.as_deref().map(ReportedError::Job),
                attempt: Some(job.attempt).filter(|attempt| *attempt > 1),
                past_failures: before_the_last(job),
                cancellation: job.cancellation.as_deref(),
                swept: Some(job.swept).filter(|swept| *swept > 0),
                sweep_error: job.sweep_error.as_deref(),
                attachments: job.attachments.iter().map(ReportedFile::of).collect(),
                times: Some(Times::of(job)),
            },
            Ending::StillDying { id, error } => {
                let error = ReportedError::other("still_dying", Category::Fatal, error.to_string());
                Self { id: Some(*id), ..Self::bare(plugin, JobStatus::Cancelling, error) }
            }
        }
    }

    /// What was asked for is no job: why, and whose turn it is.
    pub(crate) fn rejected(plugin: &'a str, kind: &'static str, category: Category, message: String) -> Self {
        Self::bare(plugin, JobStatus::Failed, ReportedError::other(kind, category, message))
    }

    fn bare(plugin: &'a str, status: JobStatus, error: ReportedError<'a>) -> Self {
        Self {
            id: None,
            plugin,
            status,
            result: None,
            error: Some(error),
            attempt: None,
            past_failures: &[],
            cancellation: None,
            swept: None,
            sweep_error: None,
            attachments: Vec::new(),
            times: None,
        }
    }

    /// Says where the attachments went, in their order.
    pub(crate) fn saved(mut self, paths: &[impl AsRef<Path>]) -> Self {
        for (attachment, path) in self.attachments.iter_mut().zip(paths) {
            attachment.saved = Some(path_as_json(path.as_ref().as_os_str()));
        }
        self
    }
}

impl ReportedError<'_> {
    fn other(kind: &'static str, category: Category, message: String) -> Self {
        Self::Other { kind, category, message }
    }
}

impl<'a> ReportedFile<'a> {
    fn of(attachment: &'a Attachment) -> Self {
        let Attachment { name, media_type, bytes } = attachment;
        Self { name, media_type, size: bytes.len(), saved: None }
    }
}

impl Times {
    fn of(job: &Job) -> Self {
        // To the microsecond; the clock is not better than that.
        let between = |from, to: Option<_>| match (from, to) {
            (Some(from), Some(to)) => {
                let seconds = jiff::Timestamp::duration_since(to, from).as_secs_f64();
                Some((seconds * 1e6).round() / 1e3)
            }
            _ => None,
        };
        Self {
            created_at: job.created_at.to_string(),
            started_at: job.started_at.map(|at| at.to_string()),
            completed_at: job.completed_at.map(|at| at.to_string()),
            queued_ms: between(Some(job.created_at), job.started_at),
            run_ms: between(job.started_at, job.completed_at),
            worker_pid: job.worker_pid,
        }
    }
}
