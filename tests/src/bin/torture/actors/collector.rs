use std::sync::Arc;

use crate::book::Check;
use crate::dice::Dice;
use crate::world::World;

/// Collects the orphans that become children of a host which has asked for them.
pub(crate) async fn collect(world: Arc<World>, mut dice: Dice) {
    while world.is_open() {
        tokio::time::sleep(dice.millis(20..300)).await;
        if world.is_subreaper {
            collect_now(&world);
        }
    }
}

pub(crate) fn collect_now(world: &World) {
    let collected = ostler::reap_orphans();
    let mut book = world.ledger.open();
    let blind = book.lacks_files();
    match collected {
        Ok(count) => book.figures.orphans += count as u64,
        Err(_) if blind => {}
        Err(error) => book.faults.found(Check::Children, format!("orphans cannot be collected: {error}")),
    }
}
