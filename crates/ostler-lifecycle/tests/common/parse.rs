//! A line's left side.

use std::sync::Arc;
use std::time::Duration;

use ostler_lifecycle::{
    Admission, BlockReason, Category, ControlId, ControlOperation, ExitStatus, Generation, Input, JobFailure,
    JobId, LimitKind, PluginKey, Priority, RequestId, RetryPolicy, SlotId, Submit, Ticket, WorkerExit,
    WorkerFrame, WorkerKey,
};
use uuid::Uuid;

use super::Pool;

impl Pool {
    /// One input.
    pub(super) fn read(&self, words: &[&str]) -> Input {
        match words {
            ["start"] => Input::Start,
            ["tick"] => Input::Tick,
            ["restart"] => Input::RestartWorkers,
            ["submit", job, options @ ..] => Input::Submit(submit(job, options)),
            ["cancel", name] => Input::Cancel { job: job(name), grace: None },
            ["cancel", name, "within", grace] => Input::Cancel { job: job(name), grace: Some(time(grace)) },
            ["release", name] => Input::Release { job: job(name) },
            ["give_up", name] => Input::GiveUp { job: job(name) },
            ["resize", workers, standby] => {
                Input::Resize { max_workers: workers.parse().unwrap(), standby: standby.parse().unwrap() }
            }
            ["host_has", available, held @ ..] => {
                let held = held.iter().map(|worker| worker.split_once('=').unwrap());
                let resident = held.map(|(name, bytes)| (worker(name), bytes.parse().unwrap())).collect();
                Input::Memory { available: Some(available.parse().unwrap()), resident }
            }
            ["holds", name, resident] => {
                let resident = vec![(worker(name), resident.parse().unwrap())];
                Input::Memory { available: None, resident }
            }
            ["reload", id] => control(id, ControlOperation::Reload(PluginKey(0))),
            ["unload", id] => control(id, ControlOperation::Unload(PluginKey(0))),
            ["get_state", id] => control(id, ControlOperation::GetState),
            ["shutdown", time_left] => Input::Shutdown { deadline: self.now + time(time_left) },
            [answer @ ("proceed" | "wait" | "refuse"), name, ticket @ ..] => {
                self.admission(answer, job(name), ticket)
            }
            ["spawned", name] => Input::WorkerSpawned { worker: worker(name), pid: pid(worker(name)) },
            ["spawn_failed", name] => {
                Input::SpawnFailed { worker: worker(name), message: "no such file".to_owned() }
            }
            ["exit", name] => Input::WorkerExited {
                worker: worker(name),
                exit: WorkerExit::bare(ExitStatus::Signal { number: 11, core_dumped: false }),
            },
            ["hello", name] => frame(name, WorkerFrame::Hello),
            ["hung_up", name] => frame(name, WorkerFrame::HungUp),
            ["unheard", name] => frame(name, WorkerFrame::Unheard),
            ["pong", name] => frame(name, WorkerFrame::Pong),
            ["ready", name, "holds", resident] => {
                frame(name, ready(self.requests[&worker(name)], resident.parse().unwrap()))
            }
            ["exit", name, how @ ("code" | "signal" | "oom" | "limit"), what @ ..] => {
                let number = what.first().map_or(9, |number| number.parse().unwrap());
                let mut exit = WorkerExit::bare(match *how {
                    "code" => ExitStatus::Code(number),
                    _ => ExitStatus::Signal { number, core_dumped: false },
                });
                exit.out_of_memory = (*how == "oom").then(|| "the kernel said so".to_owned());
                exit.limit = (*how == "limit").then_some(LimitKind::CpuTime);
                Input::WorkerExited { worker: worker(name), exit }
            }
            ["exit" | "killed", name, "torn"] => {
                let mut exit = WorkerExit::bare(match words[0] {
                    "exit" => ExitStatus::Code(1),
                    _ => ExitStatus::Signal { number: 9, core_dumped: false },
                });
                exit.torn_frame = Some("half a frame".to_owned());
                Input::WorkerExited { worker: worker(name), exit }
            }
            ["garbage", name] => frame(name, WorkerFrame::Fault { message: "a torn frame".to_owned() }),
            ["ready", name] => frame(name, ready(self.requests[&worker(name)], 0)),
            ["broken", name] => {
                let failed = vec![("plugin".to_owned(), "is broken".to_owned())];
                let request = self.requests[&worker(name)];
                frame(name, WorkerFrame::Ready { request, loaded: vec![], failed, resident: 0 })
            }
            ["state", name, request @ ..] => {
                frame(name, WorkerFrame::State { request: self.request(name, request) })
            }
            ["done", name, request @ ..] => {
                frame(name, WorkerFrame::Response { request: self.request(name, request), result: Ok(()) })
            }
            ["not_done", name, request @ ..] => {
                let result = Err("no such file".to_owned());
                frame(name, WorkerFrame::Response { request: self.request(name, request), result })
            }
            [verb, name, rest @ ..] => self.frame_of_job(verb, job(name), rest),
            _ => panic!("cannot read {words:?}"),
        }
    }

    fn admission(&self, answer: &str, job: JobId, ticket: &[&str]) -> Input {
        let reason = "memory".to_owned();
        let answer = match answer {
            "proceed" => Admission::Proceed,
            "wait" => Admission::Wait { reason },
            _ => Admission::Refuse { reason },
        };
        let ticket = match ticket {
            [number] => Ticket(number.trim_start_matches('?').parse().unwrap()),
            _ => self.tickets[&job],
        };
        Input::Admission { job, ticket, answer }
    }

    fn request(&self, name: &str, request: &[&str]) -> RequestId {
        match request {
            [number] => RequestId(number.trim_start_matches('#').parse().unwrap()),
            _ => self.requests[&worker(name)],
        }
    }

    /// `started a`, `note a`, `chunk a 0`, `output a`, `result a`, `error a`; then perhaps `attempt 2`, `answers #1` or `from 0.1`.
    fn frame_of_job(&self, verb: &str, job: JobId, rest: &[&str]) -> Input {
        let (mut worker, mut request) = self.sent[&job];
        let (mut attempt, mut seq, mut resident) = (self.attempts[&job], 0, 0);
        for pair in rest.chunks(2) {
            match pair {
                ["from", name] => worker = self::worker(name),
                ["answers", number] => request = RequestId(number.trim_start_matches('#').parse().unwrap()),
                ["attempt", number] => attempt = number.parse().unwrap(),
                ["holds", bytes] => resident = bytes.parse().unwrap(),
                ["number", number] => seq = number.parse().unwrap(),
                _ => panic!("cannot read {rest:?}"),
            }
        }
        let frame = match verb {
            "started" => WorkerFrame::Started { request, job, attempt },
            "note" => WorkerFrame::Note { job, attempt },
            "output" => WorkerFrame::Output { job, attempt },
            "chunk" => WorkerFrame::Chunk { job, attempt, seq },
            "result" => WorkerFrame::Result { request, job, attempt, result: Ok(()), resident },
            "error" => {
                let result = Err(JobFailure::from("it went wrong"));
                WorkerFrame::Result { request, job, attempt, result, resident }
            }
            "transient" => {
                let result = Err(JobFailure::plugin(Category::Transient, "not now"));
                WorkerFrame::Result { request, job, attempt, result, resident }
            }
            _ => panic!("no such input: {verb}"),
        };
        Input::Frame { worker, frame }
    }
}

/// What a worker says that has plugin 0 loaded.
pub(super) fn ready(request: RequestId, resident: u64) -> WorkerFrame {
    WorkerFrame::Ready { request, loaded: vec![PluginKey(0)], failed: vec![], resident }
}

fn frame(name: &str, frame: WorkerFrame) -> Input {
    Input::Frame { worker: worker(name), frame }
}

fn control(name: &str, operation: ControlOperation) -> Input {
    Input::Control { id: ControlId(u64::from(name.as_bytes()[0])), operation }
}

fn submit(name: &str, options: &[&str]) -> Submit {
    let mut submit = Submit {
        job: job(name),
        plugin: PluginKey(0),
        priority: Priority::NORMAL,
        queue_timeout: None,
        timeout: None,
        stall_timeout: None,
        retry: None,
        blocked: None,
    };
    for option in options {
        match option.split_once('=') {
            None if *option == "high" => submit.priority = Priority::HIGH,
            None if *option == "low" => submit.priority = Priority::LOW,
            None if *option == "blocked" => {
                submit.blocked = Some(BlockReason::Resources { reason: "memory".to_owned() });
            }
            Some(("plugin", text)) => submit.plugin = PluginKey(text.parse().unwrap()),
            Some(("queue_timeout", text)) => submit.queue_timeout = Some(time(text)),
            Some(("stall_timeout", text)) => submit.stall_timeout = Some(time(text)),
            Some(("attempts", text)) => {
                let at_once = RetryPolicy {
                    backoff_base: Duration::ZERO,
                    ..RetryPolicy::attempts(text.parse().unwrap())
                };
                submit.retry = Some(Arc::new(at_once));
            }
            Some(("timeout", text)) => submit.timeout = Some(time(text)),
            _ => panic!("no such option: {option}"),
        }
    }
    submit
}

/// A job's name is its letter.
fn job(name: &str) -> JobId {
    assert_eq!(name.len(), 1, "a job is a letter: {name}");
    JobId::from_uuid(Uuid::from_u128(u128::from(name.as_bytes()[0])))
}

pub(super) fn worker(name: &str) -> WorkerKey {
    let (slot, generation) = name.split_once('.').unwrap();
    WorkerKey { slot: SlotId(slot.parse().unwrap()), generation: Generation(generation.parse().unwrap()) }
}

/// The n-th worker has pid 100 + n.
pub(super) fn pid(worker: WorkerKey) -> u32 {
    100 + worker.generation.0 as u32
}

/// `5s` or `20ms`.
pub(super) fn time(text: &str) -> Duration {
    match text.strip_suffix("ms") {
        Some(number) => Duration::from_millis(number.parse().unwrap()),
        None => Duration::from_secs(text.trim_end_matches('s').parse().unwrap()),
    }
}
