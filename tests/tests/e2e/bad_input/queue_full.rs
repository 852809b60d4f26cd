use ostler::{StartError, WorkerConfig};

use crate::support::{Gate, at_once, echo, lab, started};

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_loses_nothing() {
    let manager = lab().config(WorkerConfig { queue_capacity: 2, ..at_once() }).launch().await.unwrap();
    let gate = Gate::new();
    let running = manager.start_job("lab", gate.task()).await.unwrap();
    started(&running).await;
    let first = manager.start_job("lab", echo("first")).await.unwrap();
    let second = manager.start_job("lab", echo("second")).await.unwrap();

    let error = manager.start_job("lab", echo("third")).await.unwrap_err();
    assert!(matches!(error, StartError::QueueFull { capacity: 2 }), "{error}");
    assert_eq!(error.to_string(), "the queue is full (2 jobs wait); try again when some have ended");
    assert_eq!(manager.get_all_jobs().len(), 3);

    gate.open();
    assert_eq!(running.output().await.unwrap(), "open");
    assert_eq!(first.output().await.unwrap(), "first");
    assert_eq!(second.output().await.unwrap(), "second");
    let third = manager.start_job("lab", echo("third")).await.unwrap();
    assert_eq!(third.output().await.unwrap(), "third");
    manager.shutdown().await.unwrap();
}
