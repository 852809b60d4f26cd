//! Seed 004, `JobManagementService`, over a manager with real workers.

use ostler::{
    Category, Encoding, ExecutorError, JobId, JobService, JobStatus, Payload, PluginExecutor, ServiceError,
};
use ostler_tests::lab::Task;
use serde_json::json;

use crate::support::{Gate, launch, within};

use crate::operations::PATIENCE;

fn json_task(task: &Task) -> Payload {
    Payload::json(task).unwrap()
}

#[tokio::test]
async fn seed_004_a_created_job_is_pending_and_a_run_one_is_a_success_with_its_result() {
    let manager = launch().await;
    let service = JobService::new(manager.clone());
    let payload = json_task(&Task::Attachments).attach("image", "image/png", b"123\xff".to_vec());
    let id = service.create_job("lab", payload);
    let job = service.get_job(id).unwrap();
    assert_eq!((job.status, job.plugin.as_str()), (JobStatus::Pending, "lab"));
    assert!(job.result.is_none() && job.error.is_none());
    assert!(manager.get_all_jobs().is_empty(), "nothing runs before run_job");

    let answer = service.run_job(id).await.unwrap();
    assert_eq!(answer.encoding(), Encoding::Json, "an answer uses its request's encoding");
    assert_eq!(answer.decode::<String>().unwrap(), "image");
    assert_eq!(answer.attachment("image").unwrap().bytes.as_ref(), b"123\xff");
    let job = service.get_job(id).unwrap();
    assert_eq!((job.status, &job.error), (JobStatus::Completed, &None));
    assert_eq!(job.result.as_ref(), Some(&answer));
    // It delegates: the job ran in the manager, and there once.
    let delegated = manager.get_all_jobs();
    assert_eq!((delegated.len(), delegated[0].status), (1, JobStatus::Completed));
}

#[tokio::test]
async fn seed_004_a_job_is_running_while_its_worker_runs_it() {
    let manager = launch().await;
    let service = JobService::new(manager.clone());
    let gate = Gate::new();
    let id = service.create_job("lab", json_task(&gate.task()));
    let runner = service.clone();
    let run = tokio::spawn(async move { runner.run_job(id).await });
    assert!(within(PATIENCE, || !manager.get_running_jobs().is_empty()).await);
    assert_eq!(service.get_job(id).unwrap().status, JobStatus::Running);
    assert!(matches!(service.run_job(id).await, Err(ServiceError::AlreadyRun { .. })));
    gate.open();
    assert_eq!(run.await.unwrap().unwrap().decode::<String>().unwrap(), "open");
}

#[tokio::test]
async fn seed_004_an_error_of_the_plugin_fails_the_job_with_type_message_and_plugin() {
    let service = JobService::new(launch().await);
    let id = service.create_job("lab", json_task(&Task::Fail("plugin failed".to_owned(), Category::Fatal)));
    let Err(ServiceError::Failed(failure)) = service.run_job(id).await else { panic!("it fails") };
    let detail = json!({ "type": "ExecutionError", "message": "plugin failed", "plugin": "lab" });
    assert_eq!(serde_json::to_value(&failure).unwrap(), json!({ "error": detail }));
    let job = service.get_job(id).unwrap();
    assert_eq!((job.status, job.error.as_ref()), (JobStatus::Failed, Some(&failure)));
    assert!(job.result.is_none());
}

#[tokio::test]
async fn seed_004_the_json_of_a_job_is_what_a_client_expects() {
    let service = JobService::new(launch().await);
    let payload = json_task(&Task::Attachments).attach("image", "image/png", b"123\xff".to_vec());
    let id = service.create_job("lab", payload);
    // The times are those of the record; the rest is compared as a whole.
    let told = || {
        let record = service.get_job(id).unwrap();
        let times = [Some(record.created_at), record.started_at, record.completed_at];
        let mut job = serde_json::to_value(&record).unwrap();
        let written = ["created_at", "started_at", "completed_at"].map(|name| job[name].take());
        assert_eq!(json!(written), json!(times.map(|time| time.map(|time| time.to_string()))));
        (job, times.iter().flatten().count())
    };
    let sent = json!({
        "encoding": "json",
        "body": "Attachments",
        "attachments": [{ "name": "image", "media_type": "image/png", "size": 4 }],
    });
    let mut expected = json!({
        "id": id,
        "plugin": "lab",
        "payload": sent,
        "status": "pending",
        "created_at": null,
        "started_at": null,
        "completed_at": null,
        "result": null,
        "error": null,
    });
    assert_eq!(told(), (expected.clone(), 1));

    service.run_job(id).await.unwrap();
    expected["status"] = json!("completed");
    expected["result"] = json!({
        "encoding": "json",
        "body": "image",
        "attachments": [{ "name": "image", "media_type": "image/png", "size": 4 }],
    });
    assert_eq!(told(), (expected, 3));
}

#[tokio::test]
async fn seed_004_whatever_goes_wrong_has_a_type() {
    let manager = launch().await;
    let service = JobService::new(manager.clone());
    let wrong = [
        ("lab", json_task(&Task::Exit(3)), "Crashed"),
        ("lab", json_task(&Task::Panic("ouch".to_owned())), "Panicked"),
        ("nobody", json_task(&Task::Pid), "StartError"),
        ("lab", Payload::json(&7).unwrap(), "InvalidPayload"),
        ("lab", Payload::raw(b"123".to_vec()), "InvalidPayload"),
    ];
    for (plugin, payload, expected) in wrong {
        let id = service.create_job(plugin, payload);
        let Err(ServiceError::Failed(failure)) = service.run_job(id).await else { panic!("{expected}") };
        assert_eq!((failure.error.error_type.as_str(), failure.error.plugin.as_str()), (expected, plugin));
    }
    let id = service.create_job("lab", json_task(&Task::Spin));
    let runner = service.clone();
    let run = tokio::spawn(async move { runner.run_job(id).await });
    assert!(within(PATIENCE, || !manager.get_running_jobs().is_empty()).await);
    let running = manager.get_running_jobs()[0].id;
    assert!(manager.cancel_job(running).await.unwrap());
    let Err(ServiceError::Failed(failure)) = run.await.unwrap() else { panic!("it was cancelled") };
    assert_eq!(failure.error.error_type, "Cancelled");
}

#[tokio::test]
async fn seed_004_an_unknown_job_is_not_found_and_a_job_runs_once() {
    let service = JobService::new(launch().await);
    let unknown = JobId::from_uuid(uuid::Uuid::now_v7());
    assert_eq!(service.get_job(unknown).unwrap_err(), ServiceError::JobNotFound { id: unknown });
    assert_eq!(service.run_job(unknown).await.unwrap_err(), ServiceError::JobNotFound { id: unknown });
    let id = service.create_job("lab", json_task(&Task::Pid));
    service.run_job(id).await.unwrap();
    let again = service.run_job(id).await.unwrap_err();
    assert_eq!(again, ServiceError::AlreadyRun { id, status: JobStatus::Completed });
}

#[tokio::test]
async fn seed_fault_an_executor_that_raises_fails_the_services_job() {
    struct Raises;
    impl PluginExecutor for Raises {
        async fn execute_plugin(&self, _: &str, _: Payload) -> Result<Payload, ExecutorError> {
            panic!("no such table")
        }
    }
    let service = JobService::new(Raises);
    let id = service.create_job("lab", Payload::empty());
    let Err(ServiceError::Failed(failure)) = service.run_job(id).await else { panic!("it raised") };
    assert_eq!(failure.error.error_type, "Panicked");
    assert!(failure.error.message.contains("no such table"), "{failure}");
    assert_eq!(service.get_job(id).unwrap().status, JobStatus::Failed);
}
