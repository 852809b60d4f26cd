//! Which results count, asked before they are handled.

use std::time::{Duration, Instant};

use ostler_lifecycle::{
    Command, Effect, Generation, Input, JobId, Machine, PluginKey, PoolConfig, Priority, RequestId, SlotId,
    Submit, WorkerFrame, WorkerKey,
};

const WORKER: WorkerKey = WorkerKey { slot: SlotId(0), generation: Generation(1) };

fn job(number: u32) -> JobId {
    #[expect(clippy::unwrap_used, reason = "32 hexadecimal digits are a UUID")]
    format!("{number:032}").parse().unwrap()
}

struct Pool(Machine, Instant);

impl Pool {
    /// What the worker is told because of it.
    fn feed(&mut self, input: Input) -> Vec<(RequestId, Command)> {
        let mut effects = Vec::new();
        self.0.handle(self.1, input, &mut effects);
        let sent = effects.into_iter().filter_map(|effect| match effect {
            Effect::Send { request, command, .. } => Some((request, command)),
            _ => None,
        });
        sent.collect()
    }

    fn says(&mut self, frame: WorkerFrame) -> Vec<(RequestId, Command)> {
        self.feed(Input::Frame { worker: WORKER, frame })
    }

    fn awaits(&self, request: RequestId, id: JobId, attempt: u32) -> bool {
        self.0.awaits_result(WORKER, request, id, attempt)
    }
}

/// A pool whose worker was sent a job, and the request.
fn sent() -> (Pool, RequestId) {
    let mut pool = Pool(Machine::new(PoolConfig::default()), Instant::now());
    pool.feed(Input::Start);
    pool.feed(Input::WorkerSpawned { worker: WORKER, pid: 1 });
    let init = pool.says(WorkerFrame::Hello)[0].0;
    pool.says(WorkerFrame::Ready { request: init, loaded: Vec::new(), failed: Vec::new(), resident: 0 });
    let submit = Submit {
        job: job(1),
        plugin: PluginKey(0),
        priority: Priority::default(),
        queue_timeout: None,
        timeout: None,
        stall_timeout: None,
        retry: None,
        blocked: None,
    };
    let sent = pool.feed(Input::Submit(submit));
    (pool, sent[0].0)
}

fn began() -> (Pool, RequestId) {
    let (mut pool, request) = sent();
    assert!(!pool.awaits(request, job(1), 1), "it has not begun");
    pool.says(WorkerFrame::Started { request, job: job(1), attempt: 1 });
    (pool, request)
}

#[test]
fn the_result_of_who_was_asked_is_awaited_and_no_other() {
    let (pool, request) = began();
    assert!(pool.awaits(request, job(1), 1));
    assert!(!pool.awaits(RequestId(request.0 + 1), job(1), 1));
    assert!(!pool.awaits(request, job(2), 1));
    assert!(!pool.awaits(request, job(1), 2));
    let another = WorkerKey { generation: Generation(2), ..WORKER };
    let elsewhere = WorkerKey { slot: SlotId(7), ..WORKER };
    assert!(!pool.0.awaits_result(another, request, job(1), 1));
    assert!(!pool.0.awaits_result(elsewhere, request, job(1), 1));
}

#[test]
fn after_a_cancel_no_result_is_awaited_whether_the_job_may_tidy_up_or_not() {
    for grace in [None, Some(Duration::from_secs(1))] {
        let (mut pool, request) = began();
        pool.feed(Input::Cancel { job: job(1), grace });
        assert!(!pool.awaits(request, job(1), 1));
    }
}

#[test]
fn after_the_result_none_is_awaited() {
    let (mut pool, request) = began();
    pool.says(WorkerFrame::Result { request, job: job(1), attempt: 1, result: Ok(()), resident: 0 });
    assert!(!pool.awaits(request, job(1), 1));
}
