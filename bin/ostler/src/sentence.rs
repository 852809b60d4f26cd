use ostler::{DeathCause, FailureKind, Forensics, JobFailure};

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
