//! A manager without the type of its jobs, as payloads and JSON.

use std::sync::Arc;

use futures_util::StreamExt;
use ostler::any::{AnyManager, Control, JobPage, JobQuery};
use ostler::{
    CancelOutcome, CancelRequest, Encoding, Error, JobError, JobEventKind, JobId, JobService, JobStatus,
    ManagerEventKind, NewJob, Payload, PoolSize, WorkerConfig,
};
use ostler_tests::lab::Task;
use serde_json::{Value, json};

use crate::support::{Gate, at_once, config, echo, lab};

async fn launch(config: WorkerConfig) -> Arc<dyn AnyManager> {
    Arc::new(lab().config(config).launch().await.unwrap())
}

fn new(task: &Task) -> NewJob<Payload> {
    NewJob::new("lab", Payload::json(task).unwrap())
}

async fn shut_down(manager: &dyn AnyManager) {
    manager.control(Control::Shutdown { within: None }).await.unwrap();
}

#[tokio::test]
async fn a_job_is_started_and_read_without_its_type() {
    let manager = launch(at_once()).await;
    assert_eq!(manager.worker_type(), "lab");
    let request = Payload::json(&Task::Attachments).unwrap().attach("image", "image/png", b"123".to_vec());
    let job = NewJob::new("lab", request).metadata("from", "afar").attach("other", "", b"4".to_vec());
    let started = manager.start(job).await.unwrap();
    let answer = started.output.await.unwrap();
    assert_eq!(
        (answer.encoding(), answer.decode::<String>().unwrap()),
        (Encoding::Json, "other image".into())
    );
    assert_eq!(answer.attachment("image").unwrap().bytes.as_ref(), b"123");
    let record = manager.job(started.id).await.unwrap().unwrap();
    assert_eq!((&record["status"], &record["spec"]), (&json!("completed"), &json!("Attachments")));
    assert_eq!((&record["result"], &record["metadata"]), (&json!("other image"), &json!({ "from": "afar" })));
    // Again, in another encoding.
    let again = manager.output(started.id, Encoding::Bincode).await.unwrap().unwrap();
    assert_eq!(
        (again.encoding(), again.decode::<String>().unwrap()),
        (Encoding::Bincode, "other image".into())
    );
    let unknown = JobId::from_uuid(ostler::Uuid::from_u128(5));
    assert!(manager.job(unknown).await.unwrap().is_none());
    assert!(manager.output(unknown, Encoding::Json).await.unwrap().is_none());
    assert!(manager.job_events(unknown, 1).await.unwrap().is_none());
    assert_eq!(manager.cancel(unknown, CancelRequest::new()).await.unwrap(), CancelOutcome::Unknown);
    shut_down(&*manager).await;
}

#[tokio::test]
async fn what_is_no_spec_is_refused_and_an_end_without_output_is_an_error() {
    let manager = launch(at_once()).await;
    let wrong = manager.start(NewJob::new("lab", Payload::json(&7).unwrap())).await.unwrap_err();
    assert!(matches!(wrong, Error::Decode(_)), "{wrong:?}");
    let unknown = manager.start(NewJob::new("nobody", Payload::json(&echo("a")).unwrap())).await.unwrap_err();
    assert!(matches!(unknown, Error::Start(_)), "{unknown:?}");
    let crashed = manager.start(new(&Task::Exit(3))).await.unwrap();
    assert!(matches!(crashed.output.await, Err(Error::Job(JobError::Failed(_)))));
    let gate = Gate::new();
    let held = manager.start(new(&gate.task())).await.unwrap();
    let request = CancelRequest::new().by("alice");
    assert_eq!(manager.cancel(held.id, request).await.unwrap(), CancelOutcome::Cancelled);
    assert!(matches!(held.output.await, Err(Error::Job(JobError::Cancelled))));
    let record = manager.job(held.id).await.unwrap().unwrap();
    assert_eq!(record["cancellation"]["by"], "alice", "{record}");
    shut_down(&*manager).await;
}

#[tokio::test]
async fn the_output_of_a_job_that_is_forgotten_at_once_is_there() {
    let manager = launch(WorkerConfig { finished_jobs_kept: 0, ..at_once() }).await;
    for number in 0..20 {
        let started = manager.start(new(&echo(&number.to_string()))).await.unwrap();
        assert_eq!(started.output.await.unwrap().decode::<String>().unwrap(), number.to_string());
    }
    assert!(manager.jobs(JobQuery::default()).await.unwrap().jobs.is_empty());
    shut_down(&*manager).await;
}

fn numbers(page: &JobPage) -> Vec<u64> {
    page.jobs.iter().map(|job| job["metadata"]["number"].as_u64().unwrap()).collect()
}

/// All pages of a query.
async fn pages(manager: &dyn AnyManager, mut query: JobQuery) -> Vec<Vec<u64>> {
    let mut pages = Vec::new();
    loop {
        let page = manager.jobs(query.clone()).await.unwrap();
        pages.push(numbers(&page));
        // As a client sends it back.
        let json = serde_json::to_value(page.next).unwrap();
        query.after = serde_json::from_value(json).unwrap();
        if query.after.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn jobs_are_listed_by_page_in_both_directions_and_by_where_they_stand() {
    let manager = launch(at_once()).await;
    let gate = Gate::new();
    let mut all = Vec::new();
    for number in 0..25_u64 {
        let task = if number == 10 { gate.task() } else { echo("done") };
        let started = manager.start(new(&task).metadata("number", number)).await.unwrap();
        if number < 10 {
            started.output.await.unwrap();
        }
        all.push(started.id);
    }
    while manager.overview().await.unwrap().jobs.running == 0 {
        tokio::task::yield_now().await;
    }
    let by = |limit, newest_first| JobQuery { limit, newest_first, ..JobQuery::default() };
    let expected: Vec<Vec<u64>> = vec![(0..10).collect(), (10..20).collect(), (20..25).collect()];
    assert_eq!(pages(&*manager, by(10, false)).await, expected);
    let expected: Vec<Vec<u64>> =
        vec![(15..25).rev().collect(), (5..15).rev().collect(), (0..5).rev().collect()];
    assert_eq!(pages(&*manager, by(10, true)).await, expected);
    assert_eq!(pages(&*manager, by(25, false)).await.len(), 1, "a full page that is the last one says so");
    assert_eq!(pages(&*manager, by(0, false)).await.len(), 25, "the least limit is 1");
    let standing = |status| JobQuery { status: Some(status), ..JobQuery::default() };
    assert_eq!(pages(&*manager, standing(JobStatus::Completed)).await, [(0..10).collect::<Vec<_>>()]);
    assert_eq!(pages(&*manager, standing(JobStatus::Pending)).await, [(11..25).collect::<Vec<_>>()]);
    let of_nobody = JobQuery { plugin: Some("nobody".into()), ..JobQuery::default() };
    assert_eq!(pages(&*manager, of_nobody).await, [Vec::<u64>::new()]);
    // A page goes on where the last one ended, also when that job is forgotten.
    let first = manager.jobs(by(5, false)).await.unwrap();
    manager.control(Control::ClearCompletedJobs).await.unwrap();
    let next = manager.jobs(JobQuery { after: first.next, ..by(5, false) }).await.unwrap();
    assert_eq!(numbers(&next), (10..15).collect::<Vec<_>>());
    gate.open();
    shut_down(&*manager).await;
}

#[tokio::test]
async fn events_are_read_from_a_number_on() {
    let manager = launch(at_once()).await;
    let mut events = manager.events(None).await.unwrap();
    let started = manager.start(new(&echo("a"))).await.unwrap();
    started.output.await.unwrap();
    let of_job = manager.job_events(started.id, 2).await.unwrap().unwrap();
    let kinds: Vec<_> = of_job.map(|event| event.unwrap()).collect().await;
    assert_eq!((kinds[0].seq, kinds.last().map(|event| &event.kind)), (2, Some(&JobEventKind::Completed)));
    let first = events.next().await.unwrap().unwrap();
    let mut again = manager.events(Some(first.seq)).await.unwrap();
    assert_eq!(again.next().await.unwrap().unwrap().seq, first.seq);
    shut_down(&*manager).await;
    let rest: Vec<_> = again.map(|event| event.unwrap()).collect().await;
    assert!(
        rest.iter().any(|event| matches!(event.kind, ManagerEventKind::Job { job, .. } if job == started.id))
    );
    assert!(rest.iter().zip(first.seq + 1..).all(|(event, seq)| event.seq == seq));
}

#[tokio::test]
async fn an_operator_controls_it_and_sees_how_it_stands() {
    let manager = launch(at_once()).await;
    let seen = async || serde_json::to_value(manager.overview().await.unwrap()).unwrap();
    assert_eq!(seen().await["is_paused"], false);
    manager.control(Control::Pause).await.unwrap();
    let waiting = manager.start(new(&Task::Config)).await.unwrap();
    let overview: Value = seen().await;
    assert_eq!(
        (&overview["is_paused"], &overview["jobs"]["pending"]),
        (&json!(true), &json!(1)),
        "{overview}"
    );
    assert_eq!(overview["plugins"][0]["name"], "lab", "{overview}");
    manager.control(Control::Resize(PoolSize { max_workers: 2, standby: 1 })).await.unwrap();
    assert_eq!(seen().await["pool"], json!({ "max_workers": 2, "standby": 1 }));
    let size = PoolSize { max_workers: 0, standby: 0 };
    assert!(matches!(manager.control(Control::Resize(size)).await, Err(Error::Resize(_))));
    let reload = Control::ReloadPlugin { plugin: "lab".into(), config: config(json!({ "model": "large" })) };
    manager.control(reload).await.unwrap();
    manager.control(Control::Resume).await.unwrap();
    assert!(waiting.output.await.unwrap().decode::<String>().unwrap().starts_with("large "));
    manager.control(Control::UnloadPlugin { plugin: "lab".into() }).await.unwrap();
    let unknown = manager.control(Control::UnloadPlugin { plugin: "nobody".into() }).await;
    assert!(matches!(unknown, Err(Error::Control(_))));
    assert!(matches!(manager.control(Control::ReleaseJob(waiting.id)).await, Err(Error::Quarantine(_))));
    manager.control(Control::RestartWorkers).await.unwrap();
    shut_down(&*manager).await;
}

#[tokio::test]
async fn a_service_runs_its_jobs_by_it() {
    let manager = launch(at_once()).await;
    let service = JobService::new(Arc::clone(&manager));
    let id = service.create_job("lab", Payload::json(&echo("served")).unwrap());
    assert_eq!(service.run_job(id).await.unwrap().decode::<String>().unwrap(), "served");
    shut_down(&*manager).await;
}
