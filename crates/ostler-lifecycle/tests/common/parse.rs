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
            ["caught_up", name] => Input::CaughtUp { worker: worker(name) },
            ["restart"] => Input::RestartWorkers,
            ["pause"] => Input::Pause,
            ["resume"] => Input::Resume,
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
            ["exit" | "killed", name, how @ ..] => {
                Input::WorkerExited { worker: worker(name), exit: exit(words[0], how) }
            }
            [verb, name, rest @ ..] if name.contains('.') => {
                Input::Frame { worker: worker(name), frame: self.frame_of_worker(verb, name, rest) }
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

    /// `hello 0.1`, `ready 0.1 holds 9`, `ready 0.1 cold` (without any plugin), `done 0.1`, `done 0.1 #3`.
    fn frame_of_worker(&self, verb: &str, name: &str, rest: &[&str]) -> WorkerFrame {
        match (verb, rest) {
            ("hello", []) => WorkerFrame::Hello,
            ("hung_up", []) => WorkerFrame::HungUp,
            ("unheard", []) => WorkerFrame::Unheard,
            ("pong", []) => WorkerFrame::Pong,
            ("garbage", []) => WorkerFrame::Fault { message: "a torn frame".to_owned() },
            ("ready", []) => ready(self.request(name, rest), 0),
            ("ready", ["holds", resident]) => ready(self.request(name, &[]), resident.parse().unwrap()),
            ("ready", ["cold"]) => WorkerFrame::Ready {
                request: self.request(name, &[]),
                loaded: vec![],
                failed: vec![],
                resident: 0,
            },
            ("broken", []) => {
                let failed = vec![("plugin".to_owned(), "is broken".to_owned())];
                WorkerFrame::Ready { request: self.request(name, rest), loaded: vec![], failed, resident: 0 }
            }
            ("state", _) => WorkerFrame::State { request: self.request(name, rest) },
            ("done", _) => WorkerFrame::Response { request: self.request(name, rest), result: Ok(()) },
            ("not_done", _) => {
                let result = Err("no such file".to_owned());
                WorkerFrame::Response { request: self.request(name, rest), result }
            }
            _ => panic!("no such input: {verb} {rest:?}"),
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

/// How a worker ended: `exit 0.1`, `exit 0.1 code 3`, `exit 0.1 torn`; `killed 0.1 torn`.
fn exit(verb: &str, how: &[&str]) -> WorkerExit {
    let signal = |number| WorkerExit::bare(ExitStatus::Signal { number, core_dumped: false });
    let code = |number| WorkerExit::bare(ExitStatus::Code(number));
    match (verb, how) {
        ("exit", []) => signal(11),
        ("exit", ["code", number]) => code(number.parse().unwrap()),
        ("exit", ["signal", number]) => signal(number.parse().unwrap()),
        ("exit", ["oom"]) => {
            let mut exit = signal(9);
            exit.out_of_memory = Some("the kernel said so".to_owned());
            exit
        }
        ("exit", ["limit", number]) => {
            let mut exit = signal(number.parse().unwrap());
            exit.limit = Some(LimitKind::CpuTime);
            exit
        }
        (_, ["torn"]) => {
            let mut exit = if verb == "exit" { code(1) } else { signal(9) };
            exit.torn_frame = Some("half a frame".to_owned());
            exit
        }
        _ => panic!("cannot read {how:?}"),
    }
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
