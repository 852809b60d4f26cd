use ostler::{BlockReason, JobEventKind};

use crate::job::{JobHandle, Manager};

/// Follows a job to its end, and lets it fail when it is put into quarantine: nobody is here to release it, so it would
/// wait for ever. True if that happened.
pub(crate) async fn refuse(manager: &Manager, job: &JobHandle) -> bool {
    let mut refused = false;
    let mut events = job.events();
    while let Some(event) = events.next().await {
        let Ok(event) = event else { continue };
        if let JobEventKind::Blocked(BlockReason::Quarantined { .. }) = event.kind {
            // If it is not there any more, it was cancelled, or the manager's shutdown has failed it.
            refused |= manager.fail_job(job.id()).is_ok();
        }
    }
    refused
}
