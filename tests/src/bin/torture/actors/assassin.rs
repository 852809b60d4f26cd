use std::sync::Arc;
use std::time::Duration;

use ostler::WorkerPhase;
use rustix::process::Signal;

use super::hand::{Strike, strike, wake};
use crate::dice::Dice;
use crate::world::World;

/// Strikes workers every now and then, whatever they are doing.
pub(crate) async fn assassinate(world: Arc<World>, mut dice: Dice) {
    while world.is_open() {
        tokio::time::sleep(dice.millis(10..150)).await;
        let workers = world.manager.workers();
        let living = workers.iter().filter_map(|worker| Some((worker.pid?, worker.phase)));
        // Who was stopped is mostly left to whoever has to find that out.
        let spares = dice.percent(98);
        let living: Vec<_> =
            living.filter(|(pid, _)| !spares || !world.ledger.open().was_stopped(*pid)).collect();
        // Those who start are few, and soon past it.
        let young: Vec<_> = living
            .iter()
            .copied()
            .filter(|(_, phase)| matches!(phase, WorkerPhase::Starting | WorkerPhase::Loading))
            .collect();
        let from = if young.is_empty() || dice.percent(50) { &living } else { &young };
        let how = draw(&mut dice);
        let Some((pid, phase)) = dice.pick(from).copied() else { continue };
        let wakes = dice.percent(50).then(|| dice.millis(5..900));
        if strike(&world.ledger, pid, &phase.to_string(), how)
            && how.signal == Signal::STOP
            && let Some(after) = wakes
        {
            tokio::spawn(wake_later(pid, after));
        }
    }
}

pub(super) fn draw(dice: &mut Dice) -> Strike {
    let signals = [(50, Signal::KILL), (18, Signal::TERM), (12, Signal::SEGV), (20, Signal::STOP)];
    let signal = dice.weighted(&signals).unwrap_or(Signal::KILL);
    let whole_group = signal == Signal::KILL && dice.percent(20);
    Strike { signal, whole_group }
}

async fn wake_later(pid: u32, after: Duration) {
    tokio::time::sleep(after).await;
    wake(pid);
}
