use std::sync::Arc;
use std::time::Duration;

use ostler::{CancelRequest, CancelSummary, Job, JobHandle, JobId, JobStatus};

use crate::book::Check;
use crate::clock;
use crate::dice::Dice;
use crate::inside::{ALPHA, BETA, Task};
use crate::outside::{Process, group, is_group_empty};
use crate::world::World;

/// Cancels one job, and checks what the answer promises.
pub(super) async fn cancel(world: &World, number: u64, job: &JobHandle<Task>, grace: Option<Duration>) {
    if let Some(note) = world.ledger.open().notes.get_mut(&number) {
        note.is_unwanted = true;
    }
    // A name of its own, so that the record tells whose cancel it was.
    let name = format!("canceller {}", world.next_name());
    let mut request = CancelRequest::new().by(&name).because("the dice said so");
    if let Some(grace) = grace {
        request = request.grace(grace);
    }
    let began = clock::now();
    match world.manager.cancel_job_with(job.id(), request).await {
        Ok(true) => {
            let took = clock::since(began);
            // Looked at before anything else: it is about this moment.
            let left = job.status();
            let record = job.finished().await;
            prove(world, &record, left);
            let mut book = world.ledger.open();
            book.figures.deed("cancels that returned true");
            match &record.cancellation {
                Some(cancellation) if cancellation.forensics.is_none() => {}
                Some(cancellation) if cancellation.asked_at.is_none() => book.figures.cancels.add(took),
                _ => book.figures.graces.add(took),
            }
        }
        Ok(false) => {
            let status = job.status();
            let of_whom = world.manager.get_job(job.id()).and_then(|record| record.cancellation.clone()?.by);
            let mut book = world.ledger.open();
            book.figures.deed("cancels that came too late");
            // Somebody else's may have been first.
            let was_ours = status == JobStatus::Cancelled && of_whom == Some(name);
            let holds = status.is_terminal() && !was_ours;
            book.faults.note(Check::Cancel, holds, || {
                format!("job {number}: a cancel by {of_whom:?} returned false, and it is {status}")
            });
        }
        Err(error) => {
            world.ledger.open().faults.found(Check::Cancel, error.to_string());
        }
    }
}

/// A cancel has just returned true.
fn prove(world: &World, record: &Job<Task>, status: JobStatus) {
    let number = record.spec.number;
    let forensics = record.cancellation.as_ref().and_then(|cancellation| cancellation.forensics.as_ref());
    let worker = forensics.and_then(|forensics| forensics.pid);
    let is_empty = worker.is_none_or(is_group_empty);
    let holds = is_empty && status == JobStatus::Cancelled && record.status == status;
    let mut book = world.ledger.open();
    book.faults.note(Check::Cancel, holds, || {
        let left: Vec<String> = worker.into_iter().flat_map(group).map(|process| Process::describe(&process)).collect();
        format!("job {number} is {status} after a cancel that returned true; of its worker's group there runs {left:?}")
    });
    // From now on nothing of it may write.
    book.diary.end(number, clock::now());
}

/// Cancels many jobs at once, every now and then.
pub(crate) async fn cancel_many(world: Arc<World>, mut dice: Dice) {
    while world.is_open() {
        tokio::time::sleep(dice.millis(100..1_500)).await;
        let request = CancelRequest::new().by("the torture's crowd");
        let request = if dice.percent(30) { request.grace(dice.millis(1..60)) } else { request };
        match dice.of(0..10) {
            0 => cancel_all_of(&world, None, request).await,
            1 => cancel_all_of(&world, Some(ALPHA), request).await,
            2 | 3 => cancel_all_of(&world, Some(BETA), request).await,
            _ => cancel_some(&world, &mut dice, request).await,
        }
    }
}

async fn cancel_all_of(world: &World, plugin: Option<&'static str>, request: CancelRequest) {
    let crowd = world.ledger.open().begin_crowd(plugin);
    let summary = match plugin {
        None => world.manager.cancel_all(request).await,
        Some(plugin) => world.manager.cancel_plugin(plugin, request).await,
    };
    world.ledger.open().end_crowd(crowd);
    check(world, &summary, plugin.map_or("all jobs cancelled", |_| "all jobs of a plugin cancelled"));
}

async fn cancel_some(world: &World, dice: &mut Dice, request: CancelRequest) {
    let chance = dice.of(5..60);
    let ids: Vec<JobId> = {
        let mut book = world.ledger.open();
        let mut numbers: Vec<u64> = book.notes.keys().copied().collect();
        // A map has no order, and dice have.
        numbers.sort_unstable();
        numbers.retain(|_| dice.percent(chance));
        let mut ids = Vec::new();
        for number in numbers {
            if let Some(note) = book.notes.get_mut(&number)
                && let Some(id) = note.id
            {
                note.is_unwanted = true;
                ids.push(id);
            }
        }
        ids
    };
    let asked = ids.len();
    let summary = world.manager.cancel_jobs(ids, request).await;
    let answered = summary.cancelled.len() + summary.not_cancelled.len() + summary.still_dying.len();
    let mut book = world.ledger.open();
    book.faults
        .note(Check::Cancel, answered == asked, || format!("{asked} were to be cancelled: {summary:?}"));
    drop(book);
    check(world, &summary, "some jobs cancelled at once");
}

fn check(world: &World, summary: &CancelSummary, deed: &str) {
    for id in &summary.cancelled {
        // One that is not known any more was cancelled a while ago.
        if let Some(record) = world.manager.get_job(*id) {
            prove(world, &record, record.status);
        }
    }
    let mut book = world.ledger.open();
    book.figures.deed(deed);
    for id in &summary.not_cancelled {
        let status = world.manager.get_job(*id).map(|job| job.status);
        // It may have been cancelled by another one before.
        let holds = status.is_none_or(JobStatus::is_terminal);
        book.faults.note(Check::Cancel, holds, || format!("job {id} was not cancelled, and is {status:?}"));
    }
    for error in &summary.still_dying {
        book.faults.found(Check::Cancel, error.to_string());
    }
}
