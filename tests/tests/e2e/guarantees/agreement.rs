use std::time::Duration;

use ostler::{JobEvent, JobEventKind, JobHandle, JobManager, JobResult, JobStatus};
use ostler_tests::lab::Task;
use tokio::time::timeout;

/// Longer than any job of these tests takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a job ended. Everybody who can be asked is asked, and must say the same.
pub(crate) async fn agreed_end(manager: &JobManager<Task>, job: &JobHandle<Task>) -> JobStatus {
    let finished = timeout(PATIENCE, job.finished()).await.unwrap();
    let status = finished.status;
    assert!(status.is_terminal());
    assert_eq!(job.status(), status);

    let record = manager.get_job(job.id()).unwrap();
    assert_eq!((record.status, &record.result, &record.error), (status, &finished.result, &finished.error));
    assert_eq!(record.completed_at, finished.completed_at);
    assert!(manager.get_running_jobs().iter().all(|running| running.id != job.id()));

    let events = events(job).await;
    let last = &events.last().unwrap().kind;
    let output = job.output().await;
    let result = manager.get_job_result(job.id()).unwrap();
    match status {
        JobStatus::Completed => {
            assert_eq!(*last, JobEventKind::Completed);
            let data = finished.result.clone().unwrap();
            assert_eq!(output.unwrap(), data);
            assert_eq!(result, JobResult::Success { data });
            assert_eq!(finished.error, None);
        }
        JobStatus::Failed => {
            let failure = finished.error.clone().unwrap();
            assert_eq!(*last, JobEventKind::Failed(failure.clone()));
            assert_eq!(output.unwrap_err().failure(), Some(&*failure));
            assert_eq!(result, JobResult::Error(failure));
            assert_eq!(finished.result, None);
        }
        _ => {
            assert_eq!(*last, JobEventKind::Cancelled);
            assert_eq!(output.unwrap_err(), ostler::JobError::Cancelled);
            assert_eq!(result, JobResult::Cancelled);
            assert_eq!((&finished.result, &finished.error), (&None, &None));
        }
    }
    status
}

/// All events of a job, to its end: numbered without a gap, queued first, begun once at most, ended once and last.
pub(crate) async fn events(job: &JobHandle<Task>) -> Vec<JobEvent> {
    let mut cursor = job.events();
    let mut events = Vec::new();
    while let Some(event) = timeout(PATIENCE, cursor.next()).await.unwrap() {
        events.push(event.unwrap());
    }
    let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (1..=events.len() as u64).collect::<Vec<_>>());

    let names: Vec<&str> = events.iter().map(|event| event.kind.name()).collect();
    let ends = ["completed", "failed", "cancelled"];
    assert_eq!(names.first(), Some(&"queued"));
    assert!(names.last().is_some_and(|last| ends.contains(last)), "{names:?}");
    assert_eq!(names.iter().filter(|name| ends.contains(name)).count(), 1, "{names:?}");
    assert!(names.iter().filter(|name| **name == "started").count() <= 1, "{names:?}");
    events
}
