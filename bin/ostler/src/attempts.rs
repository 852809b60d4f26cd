//! Jobs that run more than once.

use ostler::{BlockReason, JobFailure, RetryPolicy};

use crate::job::Job;
use crate::sentence::sentence;
use crate::span::Span;

/// What is tried again, with so many attempts after the first.
pub(crate) fn policy(retries: u32) -> RetryPolicy {
    if retries == 0 { RetryPolicy::default() } else { RetryPolicy::attempts(retries + 1) }
}

/// The attempts before the last one: their numbers, and how they failed.
pub(crate) fn earlier(job: &Job) -> impl Iterator<Item = (u32, &JobFailure)> {
    let failures = before_the_last(job);
    // Only the latest are remembered.
    let first = job.attempt.saturating_sub(u32::try_from(failures.len()).unwrap_or(u32::MAX)).max(1);
    (first..).zip(failures)
}

/// How attempts before the last one failed, oldest first.
pub(crate) fn before_the_last(job: &Job) -> &[JobFailure] {
    let pid = |failure: &JobFailure| failure.forensics.as_ref().and_then(|forensics| forensics.pid);
    match (job.past_failures.split_last(), &job.error) {
        // A job that waits, in quarantine or for another attempt, fails with what is among the past ones already.
        (Some((last, before)), Some(error))
            if job.past_failures.len() >= job.attempt as usize
                || (pid(last).is_some() && pid(last) == pid(error)) =>
        {
            before
        }
        _ => &job.past_failures,
    }
}

/// Says that another attempt comes, and why; `None` if the job waits for something else.
pub(crate) fn announcement(reason: &BlockReason, attempts: u32) -> Option<String> {
    let BlockReason::Retry { attempt, delay, failure } = reason else { return None };
    Some(format!("attempt {} in {}: {}", numbered(*attempt, attempts), Span(*delay), sentence(failure)))
}

/// An attempt and how many there may be. Crashes are counted apart, so there may be more.
pub(crate) fn numbered(attempt: u32, attempts: u32) -> String {
    if attempt <= attempts { format!("{attempt} of {attempts}") } else { attempt.to_string() }
}
