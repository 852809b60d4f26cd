//! Cancels of the job tracker that cross a result, on two threads.
#![expect(clippy::unwrap_used)]

use ostler::{JobId, JobStatus, JobTracker, JobType, NewJob};
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;
use tokio::task::yield_now;

#[derive(Clone, Serialize, Deserialize)]
struct Work;

impl JobType for Work {
    type Output = String;
}

type Tracker = JobTracker<Work>;

/// Is set while the work that holds it is alive.
struct Alive(Arc<AtomicBool>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future).await.unwrap()
}

#[test]
fn a_cancel_that_crosses_a_result_tells_the_truth() {
    const ROUNDS: usize = 300;
    let both = [JobStatus::Cancelled, JobStatus::Completed];
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let tracker = Tracker::new();
    let (begun, to_cancel) = mpsc::channel::<(JobId, Arc<AtomicBool>)>();
    thread::scope(|scope| {
        scope.spawn(|| {
            for (id, alive) in to_cancel {
                let cancelled = runtime().block_on(soon(tracker.cancel_job(id)));
                assert_eq!(
                    tracker.get_job(id).unwrap().status,
                    if cancelled { JobStatus::Cancelled } else { JobStatus::Completed }
                );
                assert!(!(cancelled && alive.load(Ordering::SeqCst)), "the work outlived its cancel");
            }
        });
        runtime().block_on(async {
            let begun = begun;
            for round in 0..ROUNDS {
                let id = tracker.create_job(NewJob::new("p", Work)).id;
                let alive = Arc::new(AtomicBool::new(true));
                let held = Alive(alive.clone());
                tracker.spawn(id, async move {
                    let _held = held;
                    for _ in 0..round % 24 {
                        yield_now().await;
                    }
                    Ok::<_, String>("done".into())
                });
                begun.send((id, alive)).unwrap();
                let end = async {
                    while !tracker.get_job(id).unwrap().status.is_terminal() {
                        yield_now().await;
                    }
                };
                soon(end).await;
            }
        });
    });
    let jobs = tracker.get_all_jobs();
    assert_eq!(jobs.len(), ROUNDS);
    assert!(jobs.iter().all(|job| both.contains(&job.status)));
}
