use std::path::Path;

use ostler::{HostError, JobManager, LaunchError};

use crate::actors::Herald;
use crate::args::Args;
use crate::book::{Check, Ledger};
use crate::dice::Dice;
use crate::inside::Task;
use crate::ordeal::{Children, set_children};
use crate::pool;

/// Tries a launch that is to be refused, since this process is not told of its children's ends; then it is told again.
///
/// # Errors
/// It is a fault of the torture: there was no reason to refuse it.
pub(super) async fn expect(
    args: &Args,
    directory: &Path,
    ledger: &Ledger,
    children: Children,
) -> Result<(), Box<dyn std::error::Error>> {
    let herald = Herald::new(ledger.clone(), Dice::new(0, "refusal"));
    let launched = pool::launch(args, directory, ledger, &herald).await;
    set_children(Children::Told);
    {
        let mut book = ledger.open();
        book.figures.met(match children {
            Children::Ignored => "a host that ignores SIGCHLD",
            _ => "a host with SA_NOCLDWAIT",
        });
        let holds = launched.as_ref().is_err_and(is_clear);
        let said = launched.as_ref().err().map(ToString::to_string);
        book.faults.note(Check::Refusal, holds, || format!("{children:?}: {said:?}"));
    }
    match launched {
        Ok(manager) => end(manager).await,
        Err(_) => Ok(()),
    }
}

async fn end(manager: JobManager<Task>) -> Result<(), Box<dyn std::error::Error>> {
    Ok(manager.shutdown().await?)
}

/// Whether it says what is wrong and what to do.
fn is_clear(error: &LaunchError) -> bool {
    let text = error.to_string();
    matches!(error, LaunchError::Host(HostError::ChildrenNotReported))
        && ["SIGCHLD", "set SIGCHLD to its default"].iter().all(|part| text.contains(part))
}
