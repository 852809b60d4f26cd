use ostler::{Admission, BroadcastChannel, JobManager, JobStatus, StartError, WorkerConfig};
use ostler_tests::lab::Task;

use super::{Calls, Hooked};
use crate::support::{Gate, echo, lab, launch, started};

#[tokio::test]
async fn a_job_runs_in_a_worker_and_its_output_comes_back() {
    let manager = launch().await;
    let job = manager.start_job("lab", echo("hello")).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "hello");
    manager.shutdown().await.unwrap();
}

/// A manager whose resource hook notes that it is asked.
async fn watched(config: WorkerConfig) -> (JobManager<Task>, Calls) {
    let asked = Calls::default();
    let note = asked.clone();
    let hooked = Hooked::new().admission(move |plugin, _, _| {
        note.note(plugin.as_str());
        Admission::Proceed
    });
    (hooked.builder().config(config).launch().await.unwrap(), asked)
}

#[tokio::test]
async fn an_unknown_plugin_is_refused_before_the_resource_hook_is_asked() {
    let (manager, asked) = watched(WorkerConfig::default()).await;
    let error = manager.start_job("labb", echo("")).await.unwrap_err();
    assert!(matches!(error, StartError::UnknownPlugin { .. }), "{error}");
    assert_eq!(error.to_string(), r#"there is no plugin "labb"; there are: lab, other"#);
    assert!(asked.all().is_empty() && manager.get_all_jobs().is_empty());
}

#[tokio::test]
async fn an_oversized_request_is_refused_before_the_resource_hook_is_asked() {
    let (manager, asked) = watched(WorkerConfig { max_frame_bytes: 8192, ..WorkerConfig::default() }).await;
    let request = manager.job("lab", Task::Attachments).attach("image", "image/png", vec![0; 9000]);
    let error = request.start().await.unwrap_err();
    assert!(matches!(error, StartError::PayloadTooLarge { size: 9000.., limit: ..8192, .. }), "{error:?}");
    assert!(asked.all().is_empty() && manager.get_all_jobs().is_empty());
    // It can still take what fits.
    let job = manager.start_job("lab", echo("small")).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "small");
    assert_eq!(asked.all(), ["lab"]);

    // What a request weighs without its attachments is known when it is made, which is after the hook.
    let error = manager.start_job("lab", echo(&"x".repeat(9000))).await.unwrap_err();
    assert!(matches!(error, StartError::PayloadTooLarge { size: 9000.., limit: ..8192, .. }), "{error:?}");
    assert_eq!(manager.get_all_jobs().len(), 1, "only the small one");
}

#[tokio::test]
async fn a_refusal_by_validate_resources_is_the_error_and_no_job_exists() {
    let calls = Calls::default();
    let (created, broadcast) = (calls.clone(), BroadcastChannel::default());
    let mut told = broadcast.subscribe();
    let hooked = Hooked::new()
        .admission(|_, _, _| Admission::Refuse { reason: "no memory".to_owned() })
        .completed(move |_, _| {
            created.note("completed");
            async {}
        });
    let manager = hooked.builder().event_broadcaster(broadcast).lazy().launch().await.unwrap();
    let error = manager.start_job("lab", echo("")).await.unwrap_err();
    assert!(matches!(error, StartError::ResourceValidation { .. }));
    assert_eq!(error.to_string(), "Resource validation failed: no memory");
    assert!(manager.get_all_jobs().is_empty() && manager.workers().is_empty());

    manager.shutdown().await.unwrap();
    drop(manager);
    assert_eq!(told.recv().await, None, "nobody was told of a job");
    assert!(calls.all().is_empty());
}

#[tokio::test]
async fn a_panic_in_validate_resources_is_an_error_and_no_job_exists() {
    let hooked = Hooked::new().admission(|_, _, _| panic!("no such device"));
    let manager = hooked.start().await;
    let error = manager.start_job("lab", echo("")).await.unwrap_err();
    assert_eq!(error.to_string(), "the host's validate_resources panicked: no such device");
    assert!(manager.get_all_jobs().is_empty());

    let hooked = Hooked::new().slow_admission(|_, _, _| async { panic!("no such device either") });
    let error = hooked.start().await.start_job("lab", echo("")).await.unwrap_err();
    assert_eq!(error.to_string(), "the host's validate_resources panicked: no such device either");
}

#[tokio::test]
async fn a_refusal_by_create_job_is_the_error_and_no_job_exists() {
    let manager = Hooked::new().create(|_| Err("the file is not there".into())).start().await;
    let error = manager.start_job("lab", echo("")).await.unwrap_err();
    assert!(
        matches!(&error, StartError::CreateJob { source, .. } if source.to_string() == "the file is not there")
    );
    assert!(manager.get_all_jobs().is_empty());
}

#[tokio::test]
async fn create_job_may_fill_in_and_send_elsewhere() {
    let create = |new: ostler::NewJob<Task>| {
        let mut new = new.metadata("file_name", "talk.mp3");
        new.plugin_id = "other".into();
        new.spec = Task::Echo("filled in".to_owned());
        Ok(new)
    };
    let manager = Hooked::new().create(create).start().await;
    let job = manager.start_job("lab", echo("asked")).await.unwrap();
    assert_eq!(job.plugin_id(), &"other");
    assert_eq!(job.output().await.unwrap(), "filled in");
    assert_eq!(job.finished().await.metadata.get_str("file_name"), Some("talk.mp3"));
}

#[tokio::test]
async fn what_start_job_returns_is_already_queued_and_known() {
    let broadcast = BroadcastChannel::default();
    let manager = lab().event_broadcaster(broadcast.clone()).launch().await.unwrap();
    let gate = Gate::new();
    let first = manager.start_job("lab", gate.task()).await.unwrap();
    started(&first).await;
    let mut told = broadcast.subscribe();
    let second = manager.start_job("other", echo("")).await.unwrap();
    assert_eq!(second.status(), JobStatus::Pending);
    assert_eq!(manager.get_job(second.id()).unwrap().plugin_id, "other");
    // What happened before may be told only now.
    let event = loop {
        let ostler::Broadcast::Event(event) = told.recv().await.unwrap() else { panic!("missed something") };
        if event.event_type == "lab:queued" && event.data["job_id"] != first.id().to_string() {
            break event;
        }
    };
    assert_eq!(event.data, serde_json::json!({ "job_id": second.id(), "plugin_id": "other" }));
    gate.open();
    second.output().await.unwrap();
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_loses_nothing() {
    let config = WorkerConfig { queue_capacity: 2, ..WorkerConfig::default() };
    let manager = lab().config(config).launch().await.unwrap();
    let gate = Gate::new();
    let running = manager.start_job("lab", gate.task()).await.unwrap();
    started(&running).await;
    let one = manager.start_job("lab", echo("one")).await.unwrap();
    let two = manager.start_job("lab", echo("two")).await.unwrap();
    let error = manager.start_job("lab", echo("three")).await.unwrap_err();
    assert!(matches!(error, StartError::QueueFull { capacity: 2 }), "{error}");
    assert_eq!(manager.get_all_jobs().len(), 3);

    // A place in the queue is free again as soon as its job has left.
    assert!(one.cancel().await.unwrap().is_cancelled());
    let three = manager.start_job("lab", echo("three")).await.unwrap();
    gate.open();
    assert_eq!(running.output().await.unwrap(), "open");
    assert_eq!(two.output().await.unwrap(), "two");
    assert_eq!(three.output().await.unwrap(), "three");
}
