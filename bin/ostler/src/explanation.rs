//! A job's end for a person: one sentence, then the evidence.

use std::fmt::Write;

use ostler::{ByteSize, Cancellation, DeathCause, Forensics, JobFailure};

use crate::attempts::earlier;
use crate::job::Job;
use crate::sentence::sentence;

use crate::span::Span;
use crate::tip::tip;

/// What happened to a job that failed, what its worker left behind, and what to do next.
pub(crate) fn of_failure(job: &Job, failure: &JobFailure) -> String {
    let mut text = format!("error: {}", sentence(failure));
    let forensics = failure.forensics.as_deref();
    if let Some(forensics) = forensics {
        evidence(&mut text, job, forensics);
    }
    for (number, failure) in earlier(job) {
        row(&mut text, &format!("attempt {number}"), &shortened(&sentence(failure)));
    }
    if let Some(forensics) = forensics {
        tail(&mut text, forensics);
    }
    if let Some(tip) = tip(job, failure) {
        add(&mut text, format_args!("\ntip: {tip}"));
    }
    text
}

/// How a job was cancelled, and what proves it.
pub(crate) fn of_cancellation(job: &Job, cancellation: &Cancellation) -> String {
    let since = |at: Option<jiff::Timestamp>| {
        let span = at?.duration_since(cancellation.requested_at);
        Some(Span(span.try_into().unwrap_or_default()))
    };
    let mut text = match (cancellation.took().map(Span), &cancellation.forensics) {
        (Some(took), Some(_)) => format!("cancelled in {took}, proven: no process of it is left"),
        (Some(took), None) => format!("cancelled in {took}: no worker had it"),
        (None, _) => "cancelled".to_owned(),
    };
    let by = cancellation.by.as_deref().map(|by| format!("by {by}, ")).unwrap_or_default();
    row(&mut text, "asked", &format!("{by}{:.3}", cancellation.requested_at));
    if let Some(span) = since(cancellation.killed_at) {
        row(&mut text, "killed", &format!("{span} later"));
    }
    if let Some(span) = since(cancellation.proven_at) {
        row(&mut text, "proven", &format!("{span} later"));
    }
    if let Some(forensics) = &cancellation.forensics {
        evidence(&mut text, job, forensics);
    }
    text
}

/// What is known of a worker's end besides the cause.
fn evidence(text: &mut String, job: &Job, forensics: &Forensics) {
    let Forensics { pid, cpu_time, peak_memory, uptime, jobs_done, .. } = forensics;
    let pid = pid.map(|pid| format!("pid {pid}, ")).unwrap_or_default();
    let jobs = match jobs_done {
        0 => "this was its first job".to_owned(),
        1 => "had run 1 job before".to_owned(),
        jobs => format!("had run {jobs} jobs before"),
    };
    row(text, "worker", &format!("{pid}lived {}, {jobs}", Span(*uptime)));
    row(
        text,
        "used",
        &format!(
            "{} of processor time, at most {} of memory by itself",
            Span(*cpu_time),
            ByteSize(*peak_memory)
        ),
    );
    if forensics.core_dumped() {
        row(text, "core", "dumped");
    } else if let DeathCause::Fault { .. } = forensics.cause {
        row(text, "core", "not dumped");
    }
    match job.swept {
        0 => {}
        1 => row(text, "swept", "1 process that had left its group"),
        count => row(text, "swept", &format!("{count} processes that had left its group")),
    }
    if let Some(error) = &job.sweep_error {
        row(text, "swept", &format!("unknown, as the processes could not be looked at: {error}"));
    }
}

fn tail(text: &mut String, forensics: &Forensics) {
    let tail = forensics.stderr_tail.trim_end();
    if !tail.is_empty() {
        text.push_str("\nThe end of the worker's stderr:");
        for line in tail.lines() {
            add(text, format_args!("\n  {line}"));
        }
    }
}

fn row(text: &mut String, name: &str, value: &str) {
    add(text, format_args!("\n  {name:<10} {value}"));
}

fn add(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(more);
}

/// One line must do.
fn shortened(text: &str) -> String {
    const MOST: usize = 160;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    fn forensics(cause: Value) -> Value {
        json!({
            "pid": 7, "cause": cause, "phase": "run", "status": {"signal": {"number": 9, "core_dumped": false}},
            "signal": "SIGKILL", "stderr_tail": "a\nb\n", "cpu_time": "0.35s",
            "peak_memory": 34 << 20, "uptime": "125s", "jobs_done": 1,
        })
    }

    fn failure(kind: &str, message: &str, cause: Value) -> Value {
        json!({"kind": kind, "category": "fatal", "message": message, "forensics": forensics(cause)})
    }

    fn job(attempt: u32, error: &Value, past_failures: &[Value]) -> Job {
        serde_json::from_value(json!({
            "id": "00000000-0000-0000-0000-000000000007", "plugin_id": "digest", "spec": {}, "status": "failed",
            "created_at": "2026-01-02T03:04:05Z", "started_at": null, "completed_at": null, "result": null,
            "worker_pid": 7, "attempt": attempt, "error": error, "past_failures": past_failures, "swept": 2,
        }))
        .unwrap()
    }

    fn explained(job: &Job) -> String {
        of_failure(job, job.error.as_ref().unwrap())
    }

    #[test]
    fn a_limit_is_told_in_figures_with_all_evidence_and_the_option() {
        let message = "the job was killed because its worker took 600 MiB of memory and may take 512 MiB";
        let error = failure("crashed", message, json!({"kind": "limit", "limit": "memory"}));
        let expected = format!(
            "error: {message}\n  worker     pid 7, lived 2 min 5 s, had run 1 job before\n  used       350 ms of \
             processor time, at most 34 MiB of memory by itself\n  swept      2 processes that had left its group\nThe end of the \
             worker's stderr:\n  a\n  b\ntip: raise --max-memory if the job needs more"
        );
        assert_eq!(explained(&job(1, &error, &[])), expected);
    }

    #[test]
    fn a_cause_is_told_without_the_stderr_in_its_message() {
        let message =
            "the worker (pid 7) exited with code 3 while it ran this job; the last line of its stderr: b";
        let error = failure("crashed", message, json!({"kind": "exited", "code": 3}));
        let told = explained(&job(1, &error, &[]));
        assert!(told.starts_with("error: the worker exited with code 3 while it ran a job\n"), "{told}");
        assert!(told.contains("tip: the plugin is at fault"), "{told}");
    }

    #[test]
    fn attempts_before_the_last_have_a_line_each() {
        let error =
            failure("timed_out", "too long", json!({"kind": "ended", "reason": {"kind": "timed_out"}}));
        let long = "long ".repeat(100);
        let past = [
            json!({"kind": "plugin", "category": "transient", "message": "busy\nvery"}),
            json!({
                "kind": "plugin", "category": "transient", "message": long,
            }),
        ];
        let told = explained(&job(4, &error, &past));
        let lines: Vec<_> = told.lines().filter(|line| line.starts_with("  attempt")).collect();
        assert_eq!(lines[0], "  attempt 2  busy very", "attempt 1 is not remembered");
        assert!(lines[1].starts_with("  attempt 3  long long") && lines[1].ends_with('…'), "{}", lines[1]);
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn the_last_attempt_is_no_earlier_one_although_it_was_in_quarantine() {
        let error = failure("crashed", "", json!({"kind": "unknown"}));
        let told = explained(&job(
            2,
            &error,
            &[
                json!({
                    "kind": "crashed", "category": "fatal", "message": "first",
                }),
                error.clone(),
            ],
        ));
        assert!(told.contains("\n  attempt 1  first\n") && !told.contains("attempt 2"), "{told}");
    }
}
