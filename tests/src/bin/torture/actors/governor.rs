use std::sync::Arc;

use ostler::{ControlError, Health, JobError, LaunchError};

use super::feeder::accept;
use super::lot::Lot;
use crate::book::{Check, Tale};
use crate::clock;
use crate::dice::Dice;
use crate::inside::{ALPHA, Act, BETA};
use crate::pool::plugin_config;
use crate::world::World;

/// Resizes the pool, restarts workers, reloads and unloads plugins.
pub(crate) async fn govern(world: Arc<World>, mut dice: Dice) {
    while world.is_open() {
        tokio::time::sleep(dice.millis(50..400)).await;
        bring_up(&world).await;
        let plugin = if dice.percent(50) { ALPHA } else { BETA };
        match dice.of(0..100) {
            0..25 => resize(&world, &mut dice),
            25..40 => restart(&world).await,
            40..60 => reload(&world, &mut dice, plugin).await,
            60..75 => unload(&world, plugin).await,
            _ => ask(&world).await,
        }
    }
}

fn resize(world: &World, dice: &mut Dice) {
    let (workers, standby) = (dice.small(1..world.args.workers + 4), dice.small(0..world.args.standby + 3));
    let resized = world.manager.resize(workers, standby);
    let mut book = world.ledger.open();
    book.figures.deed("resizes");
    if let Err(error) = resized {
        book.faults.found(Check::Control, error.to_string());
    }
}

/// A pool that is down has to be told to try again.
pub(crate) async fn bring_up(world: &World) {
    if matches!(world.manager.health(), Health::Down { .. }) {
        restart(world).await;
    }
}

async fn restart(world: &World) {
    let restarted = world.manager.restart_worker().await;
    let mut book = world.ledger.open();
    book.figures.deed("workers asked to restart");
    // The one that was waited for may have been struck.
    let holds = match &restarted {
        Ok(()) => true,
        Err(LaunchError::WorkerStart(error)) => {
            error.pid.is_none_or(|pid| !book.blows.of(pid).is_empty()) || book.lacks_files()
        }
        Err(LaunchError::Down(_)) => book.lacks_files(),
        Err(_) => false,
    };
    book.faults.note(Check::Control, holds, || format!("workers could not be restarted: {restarted:?}"));
}

async fn reload(world: &Arc<World>, dice: &mut Dice, plugin: &'static str) {
    let (number, refuse) = (dice.of(1..u64::MAX), dice.percent(25));
    let before = model(world, plugin).await;
    let reloaded = world.manager.reload_plugin(plugin, plugin_config(number, refuse)).await;
    let after = model(world, plugin).await;
    let expected = if reloaded.is_ok() { Some(number) } else { before };
    let holds = match &reloaded {
        Ok(()) => !refuse,
        Err(ControlError::Plugin(_)) => refuse,
        // Whoever was asked died or was stopped.
        Err(ControlError::NoLiveWorker | ControlError::TimedOut) => true,
        Err(_) => false,
    };
    let mut book = world.ledger.open();
    book.figures.deed(if reloaded.is_ok() {
        "reloads"
    } else {
        "reloads that were refused or came to nothing"
    });
    book.faults
        .note(Check::Control, holds, || format!("a reload that was to refuse: {refuse}: {reloaded:?}"));
    if let (Some(after), Some(expected)) = (after, expected) {
        book.faults.note(Check::Control, after == expected, || {
            format!("{plugin} was loaded with {before:?}, then with {number} ({reloaded:?}), and has {after}")
        });
    }
}

/// The number that a plugin is loaded with, as a job of it says. None if the job was cancelled by a crowd.
async fn model(world: &Arc<World>, plugin: &'static str) -> Option<u64> {
    // What it answers is judged here, and the book is told that it was right.
    let lot = Lot::plain(Act::Model, plugin);
    let (number, handle) = accept(world, &lot).await.ok()?;
    let output = handle.output().await;
    let ended = clock::now();
    let record = handle.finished().await;
    let tale = Tale::read(handle.events(), None).await;
    world.ledger.open().close(number, &record, &tale, ended, false);
    match output {
        Ok(text) => text.strip_prefix("model ")?.parse().ok(),
        Err(JobError::Cancelled | JobError::Failed(_)) => None,
    }
}

async fn unload(world: &World, plugin: &'static str) {
    let unloaded = world.manager.unload_plugin(plugin).await;
    let holds = matches!(unloaded, Ok(()) | Err(ControlError::NoLiveWorker | ControlError::TimedOut));
    let mut book = world.ledger.open();
    book.figures.deed("unloads");
    book.faults.note(Check::Control, holds, || format!("an unload: {unloaded:?}"));
}

pub(super) async fn ask(world: &World) {
    let state = world.manager.get_worker_state().await;
    let holds = matches!(state, Ok(_) | Err(ControlError::NoLiveWorker | ControlError::TimedOut));
    let mut book = world.ledger.open();
    book.figures.deed("workers asked for their state");
    book.faults.note(Check::Control, holds, || format!("a question for the workers' state: {state:?}"));
}
