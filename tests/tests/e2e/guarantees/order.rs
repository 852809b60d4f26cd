//! 6. First in, first out within a priority.

use ostler::{
    JobManager, ManagerEventKind, ManagerEvents, Priority, RestartPolicy, WorkerConfig, WorkerPhase,
};
use ostler_tests::lab::Task;

use crate::support::{Gate, kill, lab, launch, scratch, signal, started, workers};

#[tokio::test]
async fn guarantee_6_jobs_of_one_priority_run_in_the_order_of_their_arrival() {
    let (gate, directory) = (Gate::new(), scratch());
    let path = directory.path().join("order");
    let manager = launch().await;
    let first = manager.start_job("lab", gate.task()).await.unwrap();
    started(&first).await;
    let mut jobs = Vec::new();
    for number in 0..100 {
        jobs.push(manager.start_job("lab", Task::Sign(path.clone(), number.to_string())).await.unwrap());
    }
    gate.open();
    for job in &jobs {
        job.output().await.unwrap();
    }
    let order: Vec<usize> =
        std::fs::read_to_string(path).unwrap().lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(order, (0..100).collect::<Vec<_>>());
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_6_a_higher_priority_goes_first_and_keeps_its_own_order() {
    let (gate, directory) = (Gate::new(), scratch());
    let path = directory.path().join("order");
    let manager = launch().await;
    let first = manager.start_job("lab", gate.task()).await.unwrap();
    started(&first).await;
    let priorities = [Priority::LOW, Priority::NORMAL, Priority::HIGH, Priority(3)];
    let mut jobs = Vec::new();
    for number in 0..40 {
        let priority = priorities[number % priorities.len()];
        let task = Task::Sign(path.clone(), format!("{priority} {number}"));
        jobs.push(manager.job("lab", task).priority(priority).start().await.unwrap());
    }
    gate.open();
    for job in &jobs {
        job.output().await.unwrap();
    }
    let by_priority = |priority: Priority| {
        let mine = (0..40).filter(move |number| priorities[number % priorities.len()] == priority);
        mine.map(move |number| format!("{priority} {number}"))
    };
    let expected: Vec<String> = [Priority::HIGH, Priority(3), Priority::NORMAL, Priority::LOW]
        .into_iter()
        .flat_map(by_priority)
        .collect();
    let text = std::fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_6_several_workers_take_jobs_in_order() {
    let manager = lab().config(workers(3)).launch().await.unwrap();
    let mut events = manager.events();
    let mut ids = Vec::new();
    for _ in 0..100 {
        ids.push(manager.start_job("lab", Task::Pid).await.unwrap().id());
    }
    assert_eq!(given_out(&mut events, ids.len()).await, ids);
    manager.shutdown().await.unwrap();
}

/// A job that comes back from a dead worker is in front of those that came later, also of its own priority.
#[tokio::test]
async fn guarantee_6_a_job_that_comes_back_keeps_its_place() {
    let gate = Gate::new();
    let config = WorkerConfig { restart_policy: RestartPolicy::Always, ..workers(1) };
    let manager: JobManager<Task> = lab().config(config).launch().await.unwrap();
    let doomed = manager.workers()[0].pid.unwrap();
    let mut events = manager.events();
    signal(doomed, "STOP");
    let normal = manager.start_job("lab", gate.task()).await.unwrap();
    let later = manager.start_job("lab", Task::Pid).await.unwrap();
    let high = manager.job("lab", Task::Pid).priority(Priority::HIGH).start().await.unwrap();
    let low = manager.job("lab", Task::Pid).priority(Priority::LOW).start().await.unwrap();
    kill(doomed);
    gate.open();
    let order = given_out(&mut events, 5).await;
    assert_eq!(order, [normal.id(), high.id(), normal.id(), later.id(), low.id()]);
    manager.shutdown().await.unwrap();
}

/// The jobs that were given to workers, in order, so many of them.
async fn given_out(events: &mut ManagerEvents, count: usize) -> Vec<ostler::JobId> {
    let mut jobs = Vec::new();
    while jobs.len() < count {
        if let ManagerEventKind::Worker(worker) = events.next().await.unwrap().unwrap().kind
            && worker.state.phase == WorkerPhase::Busy
        {
            jobs.extend(worker.state.job);
        }
    }
    jobs
}
