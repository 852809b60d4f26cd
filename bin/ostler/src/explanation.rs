//! A job's end for a person: one sentence, then the evidence.

use std::fmt::Write;

use ostler::{Cancellation, DeathCause, FailureKind, Forensics, JobFailure};

use crate::attempts::earlier;
use crate::job::Job;
use crate::size::Size;
use crate::span::Span;
use crate::tip::tip;

/// What happened to a job that failed, what its worker left behind, and what to do next.
pub(crate) fn of_failure(job: &Job, failure: &JobFailure) -> String {
    let mut text = format!("error: {}", sentence(failure));
    let forensics = failure.forensics.as_deref();
    if let Some(forensics) = forensics {
        evidence(&mut text, forensics);
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
pub(crate) fn of_cancellation(cancellation: &Cancellation) -> String {
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
        evidence(&mut text, forensics);
    }
    text
}

/// What happened, without a line's end.
pub(crate) fn sentence(failure: &JobFailure) -> String {
    let own = failure.forensics.as_deref().filter(|_| failure.kind == FailureKind::Crashed);
    // The message of a crash also has the last line of stderr, and of a limit the figures: the one is told below, and
    // the other only there.
    match own {
        Some(Forensics { cause: DeathCause::Limit { .. } | DeathCause::Ended { .. }, .. }) | None => {
            failure.message.trim_end().replace('\n', " ")
        }
        Some(forensics) => {
            let meaning = forensics.signal.as_deref().and_then(meaning);
            let meaning = meaning.map(|meaning| format!(" ({meaning})")).unwrap_or_default();
            format!("the worker {}{meaning} {}", forensics.cause, forensics.phase)
        }
    }
}

/// What a process does to end by such a signal; `None` where it does nothing wrong itself.
fn meaning(signal: &str) -> Option<&'static str> {
    Some(match signal {
        "SIGSEGV" => "it used memory that is not its own",
        "SIGBUS" => "it used memory that is not there, as of a file that became shorter",
        "SIGABRT" => "it gave up by itself, as after a failed check",
        "SIGILL" => "it came to an instruction that this processor does not have",
        "SIGFPE" => "it divided by zero, or the like",
        "SIGSYS" => "it made a system call that is forbidden",
        "SIGPIPE" => "it wrote to where nobody reads",
        _ => return None,
    })
}

/// What is known of a worker's end besides the cause.
fn evidence(text: &mut String, forensics: &Forensics) {
    let Forensics { pid, cpu_time, peak_memory, uptime, jobs_done, swept, .. } = forensics;
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
        &format!("{} of processor time, {} of memory at most", Span(*cpu_time), Size(*peak_memory)),
    );
    if forensics.core_dumped() {
        row(text, "core", "dumped");
    } else if let DeathCause::Fault { .. } = forensics.cause {
        row(text, "core", "not dumped");
    }
    match swept {
        None | Some(0) => {}
        Some(1) => row(text, "swept", "1 process that had left its group"),
        Some(count) => row(text, "swept", &format!("{count} processes that had left its group")),
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
