use ostler::{DeathCause, EndReason, FailureKind, JobFailure, LimitKind};

use crate::job::Job;

/// What to do next about a failure, where there is something sensible to say.
pub(crate) fn tip(job: &Job, failure: &JobFailure) -> Option<String> {
    let forensics = failure.forensics.as_deref()?;
    let tip = match (&forensics.cause, failure.kind) {
        (DeathCause::Limit { limit: LimitKind::Memory }, _) => "raise --max-memory if the job needs more",
        (DeathCause::Ended { reason: EndReason::Silent }, _) => {
            "raise --stall-timeout if the job needs longer"
        }
        (DeathCause::Ended { .. }, FailureKind::TimedOut) => "raise --timeout if the job needs longer",
        (DeathCause::OutOfMemory { .. }, _) => {
            "the machine was full; with --max-memory a job ends before the machine suffers"
        }
        (DeathCause::Fault { signal }, _) => return Some(of_fault(job, signal, forensics.core_dumped())),
        (DeathCause::OutsideSignal { signal }, _) if signal == "SIGKILL" => {
            "somebody killed it, or the kernel for want of memory; `dmesg` may know"
        }
        (DeathCause::Exited { .. }, _) => {
            "the plugin is at fault: it ended its process instead of returning an error"
        }
        _ => return None,
    };
    Some(tip.to_owned())
}

fn of_fault(job: &Job, signal: &str, core_dumped: bool) -> String {
    let plugin = &job.plugin_id;
    let whose = match signal {
        "SIGABRT" => format!("{plugin} gave up, and the end of its stderr may say why"),
        _ => format!("{plugin} is at fault, or what it uses"),
    };
    let core = if core_dumped {
        "a debugger finds the place in the core; /proc/sys/kernel/core_pattern says where that is"
    } else {
        "`ulimit -c unlimited` lets the next crash leave a core"
    };
    format!("{whose}; {core}")
}
