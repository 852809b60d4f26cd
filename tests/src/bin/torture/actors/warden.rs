use std::sync::Arc;

use ostler::QuarantineError;

use crate::book::Check;
use crate::dice::Dice;
use crate::world::World;

/// Looks after jobs in quarantine: releases one, and lets another fail. Goes on until nothing is left, so that all jobs
/// can end.
pub(crate) async fn guard(world: Arc<World>, mut dice: Dice) {
    while world.is_open() || !world.ledger.open().notes.is_empty() {
        tokio::time::sleep(dice.millis(20..200)).await;
        for job in world.manager.quarantined() {
            if !dice.percent(60) {
                continue;
            }
            let releases = dice.percent(40);
            if releases && let Some(note) = world.ledger.open().notes.get_mut(&job.spec.number) {
                note.releases += 1;
            }
            let (done, deed) = match releases {
                true => (world.manager.release_job(job.id), "jobs released from quarantine"),
                false => (world.manager.fail_job(job.id), "jobs given up in quarantine"),
            };
            let mut book = world.ledger.open();
            match done {
                Ok(()) => book.figures.deed(deed),
                // Somebody may have cancelled it.
                Err(QuarantineError::NotQuarantined { .. }) => {}
                // Nobody could run it.
                Err(_) if book.lacks_files() => {}
                Err(error) => book.faults.found(Check::Pool, error.to_string()),
            }
        }
    }
}
