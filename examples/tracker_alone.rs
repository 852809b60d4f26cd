//! The tracker alone: jobs are recorded, and the host runs them as it likes. Run it:
//! `cargo run -p ostler-examples --bin tracker_alone`.
#![expect(clippy::print_stdout, reason = "it shows its results")]

use std::future::pending;

use ostler::{JobTracker, JobType, NewJob};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Download {
    address: String,
}

impl JobType for Download {
    type Output = usize;
}

/// The host's own executor.
async fn download(address: String) -> Result<usize, String> {
    match address.as_str() {
        "fast" => Ok(4096),
        "slow" => pending().await,
        other => Err(format!("there is no {other}")),
    }
}

#[tokio::main]
async fn main() {
    let (report, mut completed) = tokio::sync::mpsc::unbounded_channel();
    let tracker = JobTracker::<Download>::builder()
        .on_job_completed(move |_, job| drop(report.send(job.spec.address.clone())))
        .build();
    let start = |address: &str| {
        let job = tracker.create_job(NewJob::new("http", Download { address: address.into() }));
        tracker.spawn(job.id, download(address.into()));
        job.id
    };
    let (fast, slow, lost) = (start("fast"), start("slow"), start("lost"));

    println!("completed: {:?}", completed.recv().await);
    println!("cancelled: {}", tracker.cancel_job(slow).await);
    while tracker.get_job_result(lost).is_none() {
        tokio::task::yield_now().await;
    }
    for id in [fast, slow, lost] {
        let result = tracker.get_job_result(id).map(|result| serde_json::to_string(&result));
        println!("{}", result.and_then(Result::ok).unwrap_or_default());
    }
    println!("cleared: {}", tracker.clear_completed(false));
}
