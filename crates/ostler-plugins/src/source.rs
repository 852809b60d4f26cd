use std::path::Path;

use ostler_worker::{Attachment, JobContext, PluginError};

/// Where a job's bytes come from.
pub(crate) enum Source<'a> {
    Path(&'a Path),
    Attached(&'a Attachment),
}

impl<'a> Source<'a> {
    /// The path, or the attachment of that name. It must be clear which is meant.
    pub(crate) fn choose(
        path: Option<&'a Path>,
        job: &'a JobContext,
        attachment: &str,
    ) -> Result<Self, PluginError> {
        match (path, job.attachment(attachment)) {
            (Some(path), None) => Ok(Self::Path(path)),
            (None, Some(attached)) => Ok(Self::Attached(attached)),
            (Some(_), Some(_)) => Err(PluginError::input(format!(
                "there is a `path` and an attachment `{attachment}`: give one of them"
            ))),
            (None, None) => Err(PluginError::input(format!(
                "nothing to read: give the `path` of a file, or its bytes as attachment `{attachment}`"
            ))),
        }
    }

    /// How messages call it.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Path(path) => format!("`{}`", path.display()),
            Self::Attached(attached) => format!("attachment `{}`", attached.name),
        }
    }
}

/// The end of a job that was asked to stop. Its host has settled it by then, so the words are for a
/// worker that is driven by hand.
pub(crate) fn check_cancelled(job: &JobContext) -> Result<(), PluginError> {
    if job.is_cancelled() { Err(PluginError::transient("stopped: the job was cancelled")) } else { Ok(()) }
}
