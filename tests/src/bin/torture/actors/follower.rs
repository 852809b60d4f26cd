use std::sync::Arc;
use std::time::Duration;

use ostler::{JobEventKind, JobHandle};

use super::canceller::cancel;
use super::lot::{CancelPlan, Lot, Reader};
use crate::book::Tale;
use crate::clock;
use crate::inside::Task;
use crate::world::World;

/// A job that has not ended after so long is lost. Each ends within a second or two of its turn, and some wait for theirs.
const LONGEST: Duration = Duration::from_secs(60);

/// Follows a job to its end: reads its events, cancels it if that was drawn, and has it judged.
pub(super) async fn follow(world: Arc<World>, number: u64, lot: Lot, handle: JobHandle<Task>) {
    let handle = Arc::new(handle);
    let reading = read(Arc::clone(&handle), lot.reader);
    let cancelling = async {
        if let Some(plan) = &lot.cancel {
            carry_out(&world, number, &handle, plan).await;
        }
    };
    let all = async { tokio::join!(reading, cancelling) };
    match tokio::time::timeout(LONGEST, all).await {
        Ok(((tale, ended), ())) => {
            let record = handle.finished().await;
            let was_watched = lot.reader == Reader::Watcher;
            world.ledger.open().close(number, &record, &tale, ended, was_watched);
        }
        Err(_) => {
            let record = world.manager.get_job(handle.id());
            world.ledger.open().lost(number, record.as_deref());
        }
    }
}

/// What the job's events tell, and when its end was known.
async fn read(job: Arc<JobHandle<Task>>, reader: Reader) -> (Tale, u64) {
    let early = (reader != Reader::None).then(|| job.events());
    match (reader, early) {
        (Reader::Watcher, Some(events)) => {
            let (tale, ended) = tokio::join!(Tale::read(events, None), ended(&job));
            (tale, ended)
        }
        (Reader::Slow(pause), Some(events)) => {
            let (tale, ended) = tokio::join!(Tale::read(events, Some(pause)), ended(&job));
            (tale, ended)
        }
        (_, early) => {
            let ended = ended(&job).await;
            let events = early.unwrap_or_else(|| job.events());
            (Tale::read(events, None).await, ended)
        }
    }
}

async fn ended(job: &JobHandle<Task>) -> u64 {
    job.finished().await;
    clock::now()
}

async fn carry_out(world: &World, number: u64, job: &JobHandle<Task>, plan: &CancelPlan) {
    if plan.once_begun {
        let mut events = job.events();
        while let Some(event) = events.next().await {
            if matches!(event.map(|event| event.kind), Ok(JobEventKind::Started { .. })) {
                break;
            }
        }
    }
    // The end may come first.
    let _ = tokio::time::timeout(plan.after, job.finished()).await;
    let once = cancel(world, number, job, plan.grace);
    if plan.twice {
        tokio::join!(once, cancel(world, number, job, None));
    } else {
        once.await;
    }
}
