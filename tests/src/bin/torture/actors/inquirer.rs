use std::sync::Arc;
use std::time::Duration;

use super::governor::ask;
use crate::dice::Dice;
use crate::world::World;

/// Asks workers for their state: in spells all the time, and else not at all.
pub(crate) async fn inquire(world: Arc<World>, mut dice: Dice) {
    while world.is_open() {
        let began = std::time::Instant::now();
        let spell = dice.millis(200..2_000);
        let is_quiet = dice.percent(40);
        let pause = if is_quiet { spell } else { dice.millis(0..15) };
        while world.is_open() && began.elapsed() < spell {
            if !is_quiet {
                ask(&world).await;
            }
            tokio::time::sleep(pause.min(Duration::from_millis(200))).await;
        }
    }
}
