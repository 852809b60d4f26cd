//! That it costs the same whether ten jobs wait or a hundred thousand. What is counted is at how many jobs one input
//! makes the machine look.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Machine;
use super::jobs::ENDED_AT_ONCE;
use crate::{
    Admission, BlockReason, Command, Effect, FailureKind, Input, JobId, Outcome, PluginKey, PoolConfig,
    Priority, RequestId, Submit, Ticket, WorkerExit, WorkerFrame, WorkerKey,
};

const FEW: u128 = 10;
const MANY: u128 = 100_000;
/// Jobs that one input may look at, some of them several times: the job itself, its neighbours, and whose turn it is.
const LOOKS: usize = 32;

/// A pool with one worker that runs job 0, and behind it so many jobs of five priorities.
struct Pool {
    machine: Machine,
    now: Instant,
    worker: WorkerKey,
    begun: RequestId,
    jobs: u128,
}

fn id(number: u128) -> JobId {
    JobId::from_uuid(Uuid::from_u128(number))
}

impl Pool {
    fn new(jobs: u128) -> Self {
        Self::with(PoolConfig::default(), jobs)
    }

    fn with(config: PoolConfig, jobs: u128) -> Self {
        let workers = config.max_workers;
        let mut machine = Machine::new(config);
        let (now, mut out) = (Instant::now(), Vec::new());
        machine.handle(now, Input::Start, &mut out);
        let spawned = out.iter().filter_map(|effect| match effect {
            Effect::Spawn { worker } => Some(*worker),
            _ => None,
        });
        let spawned: Vec<WorkerKey> = spawned.collect();
        assert_eq!(spawned.len(), workers as usize);
        let mut pool = Self { machine, now, worker: spawned[0], begun: RequestId(0), jobs: 0 };
        for worker in spawned.into_iter().rev() {
            pool.worker = worker;
            pool.feed(Input::WorkerSpawned { worker, pid: 1 });
            let request = sent(&pool.hear(WorkerFrame::Hello));
            pool.hear(WorkerFrame::Ready { request, loaded: Vec::new(), failed: Vec::new(), resident: 0 });
        }
        pool.begun = sent(&pool.submit());
        pool.hear(WorkerFrame::Started { request: pool.begun, job: id(0), attempt: 1 });
        for _ in 0..jobs {
            pool.submit();
        }
        pool
    }

    fn feed(&mut self, input: Input) -> Vec<Effect> {
        let mut out = Vec::new();
        self.machine.handle(self.now, input, &mut out);
        out
    }

    fn hear(&mut self, frame: WorkerFrame) -> Vec<Effect> {
        self.feed(Input::Frame { worker: self.worker, frame })
    }

    fn submit(&mut self) -> Vec<Effect> {
        let submit = self.new_submit();
        self.feed(Input::Submit(submit))
    }

    fn new_submit(&mut self) -> Submit {
        let job = id(self.jobs);
        let priority = Priority((self.jobs % 5) as i8 - 2);
        self.jobs += 1;
        Submit {
            job,
            plugin: PluginKey(0),
            priority,
            queue_timeout: None,
            timeout: None,
            stall_timeout: None,
            retry: None,
            blocked: None,
        }
    }

    /// At how many jobs this makes the machine look.
    fn looks(&mut self, what: impl FnOnce(&mut Self)) -> usize {
        let before = self.machine.jobs.looks();
        what(self);
        self.machine.jobs.looks() - before
    }
}

/// The request of the last command.
fn sent(out: &[Effect]) -> RequestId {
    let sent = out.iter().rev().find_map(|effect| match effect {
        Effect::Send { request, .. } => Some(*request),
        _ => None,
    });
    sent.unwrap_or(RequestId(0))
}

fn two_workers() -> PoolConfig {
    PoolConfig { max_workers: 2, ..PoolConfig::default() }
}

fn cost_of_each(config: PoolConfig, jobs: u128) -> [usize; 4] {
    let mut pool = Pool::with(config, jobs);
    let submit = pool.looks(|pool| drop(pool.submit()));
    let cancel = pool.looks(|pool| drop(pool.feed(Input::Cancel { job: id(jobs / 2), grace: None })));
    let tick = pool.looks(|pool| drop(pool.feed(Input::Tick)));
    let dispatch = pool.looks(|pool| {
        let result =
            WorkerFrame::Result { request: pool.begun, job: id(0), attempt: 1, result: Ok(()), resident: 0 };
        let asked = pool.hear(result).into_iter().find_map(|effect| match effect {
            Effect::AskAdmission { job, ticket } => Some((job, ticket)),
            _ => None,
        });
        let (job, ticket) = asked.unwrap_or((id(0), Ticket(0)));
        let sent = pool.feed(Input::Admission { job, ticket, answer: Admission::Proceed });
        let executes =
            |effect: &Effect| matches!(effect, Effect::Send { command: Command::Execute { .. }, .. });
        assert!(sent.iter().any(executes), "{sent:?}");
    });
    [submit, cancel, tick, dispatch]
}

#[test]
fn submit_cancel_tick_and_dispatch_look_at_no_more_jobs_when_many_wait() {
    let (few, many) = (cost_of_each(PoolConfig::default(), FEW), cost_of_each(PoolConfig::default(), MANY));
    assert!(few.iter().zip(many).all(|(few, many)| *few + 4 >= many), "{few:?} became {many:?}");
    assert!(many.iter().all(|looks| *looks <= LOOKS), "{many:?}");
}

fn ended(out: &[Effect]) -> Vec<(JobId, FailureKind)> {
    let ended = out.iter().filter_map(|effect| match effect {
        Effect::Settle { job, outcome: Outcome::Failed(failure) } => Some((*job, failure.kind)),
        _ => None,
    });
    ended.collect()
}

/// Feeds in ticks while the machine asks for them at once; how many jobs each ended.
fn ticks(pool: &mut Pool, kind: FailureKind) -> Vec<usize> {
    let mut counts = Vec::new();
    while pool.machine.next_deadline().is_some_and(|at| at <= pool.now) {
        let ended = ended(&pool.feed(Input::Tick));
        assert!(ended.iter().all(|(_, of)| *of == kind));
        counts.push(ended.len());
    }
    counts
}

#[test]
fn a_shutdown_kills_at_once_and_ends_many_jobs_a_few_at_a_time() {
    let mut pool = Pool::new(MANY);
    let first = pool.feed(Input::Shutdown { deadline: pool.now });
    assert!(first.iter().any(|effect| matches!(effect, Effect::Kill { .. })));
    let first = ended(&first);
    assert_eq!(first.len(), ENDED_AT_ONCE);
    assert_eq!(first[0].0, id(4), "the highest priority goes first");
    assert_eq!(
        pool.feed(Input::Cancel { job: id(MANY), grace: None }).len(),
        1,
        "one can still be cancelled"
    );
    let rest = ticks(&mut pool, FailureKind::Interrupted);
    assert_eq!(rest.iter().sum::<usize>(), MANY as usize - ENDED_AT_ONCE - 1);
    assert!(rest.iter().all(|count| *count <= ENDED_AT_ONCE));
    let exit =
        Input::WorkerExited { worker: pool.worker, exit: WorkerExit::bare(crate::ExitStatus::Unknown) };
    assert!(matches!(pool.feed(exit).last(), Some(Effect::Closed { .. })));
}

fn down() -> crate::DownReason {
    crate::DownReason::Crashes {
        restarts: 3,
        window: Duration::from_secs(60),
        last_end: "it was tired".to_owned(),
    }
}

#[test]
fn who_was_to_end_with_the_pool_ends_though_it_comes_up_again_before_and_a_few_at_a_time() {
    let mut pool = Pool::new(3 * ENDED_AT_ONCE as u128);
    let mut out = Vec::new();
    pool.machine.go_down(pool.now, down(), &mut out);
    assert_eq!(ended(&out).len(), ENDED_AT_ONCE);
    let up = pool.feed(Input::RestartWorkers);
    assert!(up.contains(&Effect::Up));
    assert_eq!(ended(&up), [], "whoever asked does not wait for all");
    let new = pool.submit();
    assert!(!new.iter().any(|effect| matches!(effect, Effect::Reject { .. })));
    assert_eq!(ticks(&mut pool, FailureKind::WorkerUnavailable), [ENDED_AT_ONCE, ENDED_AT_ONCE, 0]);
    assert_eq!(
        (pool.machine.queued(), pool.machine.unfinished()),
        (1, 2),
        "the new one, and the one that runs"
    );
}

#[test]
fn a_worker_that_lives_on_is_given_no_job_that_ends_with_the_pool() {
    let mut pool = Pool::new(2 * ENDED_AT_ONCE as u128);
    pool.machine.go_down(pool.now, down(), &mut Vec::new());
    let result =
        WorkerFrame::Result { request: pool.begun, job: id(0), attempt: 1, result: Ok(()), resident: 0 };
    let starts = |effect: &Effect| {
        matches!(effect, Effect::AskAdmission { .. } | Effect::Send { command: Command::Execute { .. }, .. })
    };
    assert!(!pool.hear(result).iter().any(starts));
    assert!(!pool.feed(Input::RestartWorkers).iter().any(starts));
}

#[test]
fn a_million_of_a_plugin_that_has_no_room_are_passed_without_a_look() {
    let cost = |jobs| {
        let mut pool =
            Pool::with(PoolConfig { plugin_limits: vec![(PluginKey(0), 1)], ..two_workers() }, jobs);
        let other = id(u128::MAX);
        let mut submit = pool.new_submit();
        (submit.job, submit.plugin) = (other, PluginKey(1));
        let looks = pool.looks(|pool| {
            let out = pool.feed(Input::Submit(submit));
            let executes =
                |effect: &Effect| matches!(effect, Effect::Send { command: Command::Execute { job, .. }, .. } if *job == other);
            assert!(out.iter().any(executes), "{out:?}");
        });
        assert_eq!(pool.machine.why_waits(id(1)), Some(BlockReason::PluginLimit { limit: 1 }));
        looks
    };
    let (few, many) = (cost(FEW), cost(MANY));
    assert!(many <= few + 4 && many <= LOOKS, "{few} became {many}");
}

#[test]
fn with_aging_the_first_of_many_is_found_without_a_look_at_others() {
    let aging = || PoolConfig { aging_step: Duration::from_secs(1), ..PoolConfig::default() };
    let (few, many) = (cost_of_each(aging(), FEW), cost_of_each(aging(), MANY));
    assert!(few.iter().zip(many).all(|(few, many)| *few + 4 >= many), "{few:?} became {many:?}");
    assert!(many.iter().all(|looks| *looks <= LOOKS), "{many:?}");
}

#[test]
fn a_pause_and_its_end_look_at_no_more_jobs_when_many_wait() {
    let cost = |jobs| {
        let mut pool = Pool::new(jobs);
        pool.looks(|pool| {
            pool.feed(Input::Pause);
            pool.feed(Input::Resume);
        })
    };
    let (few, many) = (cost(FEW), cost(MANY));
    assert!(many <= few + 4 && many <= LOOKS, "{few} became {many}");
}

#[test]
fn many_jobs_that_have_waited_too_long_end_a_few_at_a_time() {
    let mut pool = Pool::new(0);
    for number in 1..=2 * ENDED_AT_ONCE as u128 + 10 {
        let submit = Submit {
            job: id(number),
            plugin: PluginKey(0),
            priority: Priority::NORMAL,
            queue_timeout: Some(Duration::from_secs(1)),
            timeout: None,
            stall_timeout: None,
            retry: None,
            blocked: None,
        };
        pool.feed(Input::Submit(submit));
    }
    pool.now += Duration::from_secs(1);
    assert_eq!(ticks(&mut pool, FailureKind::TimedOut), [ENDED_AT_ONCE, ENDED_AT_ONCE, 10]);
}
