use std::sync::Arc;
use std::time::Duration;

use ostler::{JobHandle, JobManager, JobRequest, StartError};
use tokio::task::JoinSet;

use super::follower::follow;
use super::lot::Lot;
use crate::book::{Check, Note};
use crate::dice::Dice;
use crate::inside::{Task, sent};
use crate::world::World;

/// The jobs that were started, each with one who follows it.
pub(crate) type Fed = JoinSet<()>;

/// Jobs that may be on their way at once: some more than fit into the queue, so that it is full every now and then.
const AT_ONCE: usize = crate::pool::QUEUE_CAPACITY + 16;

/// Starts jobs as fast as others end.
pub(crate) async fn feed(world: Arc<World>, mut dice: Dice) -> Fed {
    let mut fed = Fed::new();
    while world.is_open() {
        // Now a trickle, now a flood.
        let crowd = if dice.percent(20) { AT_ONCE } else { dice.of(4..40) as usize };
        for _ in 0..dice.of(1..60) {
            while fed.len() >= crowd && fed.join_next().await.is_some() {}
            if !world.is_open() {
                break;
            }
            start(&world, Lot::draw(&mut dice), &mut fed).await;
        }
        if dice.percent(20) {
            tokio::time::sleep(dice.millis(1..50)).await;
        }
    }
    fed
}

/// Starts a job that is followed to its end, if it is accepted.
pub(crate) async fn start(world: &Arc<World>, lot: Lot, fed: &mut Fed) -> bool {
    match accept(world, &lot).await {
        Ok((number, handle)) => {
            fed.spawn(follow(Arc::clone(world), number, lot, handle));
            true
        }
        Err(StartError::QueueFull { .. }) => {
            world.ledger.open().figures.deed("jobs turned away: the queue was full");
            tokio::time::sleep(Duration::from_millis(2)).await;
            false
        }
        // It is told how that came about.
        Err(StartError::WorkerUnavailable(_)) => {
            world.ledger.open().figures.deed("jobs turned away: the pool was down");
            tokio::time::sleep(Duration::from_millis(50)).await;
            false
        }
        Err(error) => {
            world.ledger.open().faults.found(Check::Pool, format!("a job was not accepted: {error}"));
            tokio::time::sleep(Duration::from_millis(50)).await;
            false
        }
    }
}

/// A note goes before: the job may begin, and be cancelled by somebody, before its caller knows that it was accepted.
pub(super) async fn accept(world: &World, lot: &Lot) -> Result<(u64, JobHandle<Task>), StartError> {
    let number = world.next_number();
    let task = Task { number, act: lot.act.clone(), bad_runs: lot.bad_runs };
    let note = Note {
        retry: lot.retry.clone(),
        timeout: lot.timeout,
        queue_timeout: lot.queue_timeout,
        stall_timeout: lot.stall_timeout,
        ..Note::new(task.clone(), lot.plugin)
    };
    world.ledger.open().notes.insert(number, note);
    let started = request(&world.manager, task, lot).start().await;
    let mut book = world.ledger.open();
    match started {
        Ok(handle) => {
            if let Some(note) = book.notes.get_mut(&number) {
                note.id = Some(handle.id());
            }
            Ok((number, handle))
        }
        Err(error) => {
            book.notes.remove(&number);
            Err(error)
        }
    }
}

fn request<'a>(manager: &'a JobManager<Task>, task: Task, lot: &Lot) -> JobRequest<'a, Task> {
    let attachment = sent(&task);
    let mut request = manager.job(lot.plugin, task).priority(lot.priority);
    if let Some(bytes) = attachment {
        request = request.attach("pattern", "application/octet-stream", bytes);
    }
    if let Some(policy) = &lot.retry {
        request = request.retry(policy.clone());
    }
    if let Some(timeout) = lot.timeout {
        request = request.timeout(timeout);
    }
    if let Some(timeout) = lot.queue_timeout {
        request = request.queue_timeout(timeout);
    }
    if let Some(timeout) = lot.stall_timeout {
        request = request.stall_timeout(timeout);
    }
    request
}
