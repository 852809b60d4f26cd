//! Rules as scripts: each line is one thing that happens, and what comes of it.
//!
//! ```text
//! submit a          | a queued; spawn 0.1
//! ```
//! Jobs and operations are letters, workers are `slot.generation`. What a line needs to know (which request a
//! frame answers, which worker a job is in) is what was said last; it can be given too: `result a from 0.1`.
//! `evidence` is what is known of the worker's end on the record of the job that ended last.
//! `up 0.1` is a worker's whole way from its process to Idle; `pass 5s` lets time pass up to the tick at its end, and the
//! driver finds nothing unread. With `leave_unread 5s` it has not looked yet; `caught_up 0.1` says that it has. `paused 5s`
//! is a time in which the host did not run, up to the tick at its end.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a script that cannot be read fails its test")]

mod parse;
mod print;

use std::collections::HashMap;
use std::time::{Duration, Instant};

use ostler_lifecycle::{
    Command, Effect, Forensics, Input, JobId, Machine, Outcome, PoolConfig, RequestId, RestartPolicy, Ticket,
    WorkerFrame, WorkerKey,
};

/// One slot, no restarts but for pending jobs, ten seconds for everything.
pub(crate) fn config() -> PoolConfig {
    let ten = Duration::from_secs(10);
    PoolConfig {
        restart_policy: RestartPolicy::Never,
        start_timeout: ten,
        load_timeout: ten,
        reload_timeout: ten,
        unload_timeout: ten,
        kill_timeout: ten,
        heartbeat_interval: Duration::ZERO,
        ..PoolConfig::default()
    }
}

/// Runs a script, and compares what comes out line by line.
#[track_caller]
pub(crate) fn check(config: PoolConfig, script: &str) {
    let mut pool = Pool::new(config);
    let mut told = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (what, expected) = line.split_once('|').unwrap_or((line, ""));
        let (what, expected) = (what.trim(), expected.trim());
        let came = pool.play(what);
        told.push_str(&format!("  {what:<28}| {came}\n"));
        assert!(came == expected, "expected of `{what}`:\n  {expected}\ncame:\n  {came}\nso far:\n{told}");
    }
}

/// A worker that has begun with a job, then what happens.
#[track_caller]
#[allow(dead_code, reason = "not every test needs a job")]
pub(crate) fn running(config: PoolConfig, options: &str, what: &str) {
    let script = format!(
        "
        start              | spawn 0.1
        up 0.1             | 0.1 idle
        submit a {options} | 0.1 <- a; a queued
        started a          | a started in 0.1
        "
    );
    check(config, &format!("{script}\n{what}"));
}

/// A machine, and what was said last.
struct Pool {
    machine: Machine,
    now: Instant,
    /// Where a job was sent last, and by which request.
    sent: HashMap<JobId, (WorkerKey, RequestId)>,
    attempts: HashMap<JobId, u32>,
    tickets: HashMap<JobId, Ticket>,
    /// The last request to a worker that is not about a job.
    requests: HashMap<WorkerKey, RequestId>,
    /// What is known of the end of the worker of the job that ended last.
    evidence: Option<Box<Forensics>>,
}

impl Pool {
    fn new(config: PoolConfig) -> Self {
        Self {
            machine: Machine::new(config),
            now: Instant::now(),
            sent: HashMap::new(),
            attempts: HashMap::new(),
            tickets: HashMap::new(),
            requests: HashMap::new(),
            evidence: None,
        }
    }

    fn play(&mut self, what: &str) -> String {
        let words: Vec<&str> = what.split_whitespace().collect();
        let effects = match words[..] {
            ["up", worker] => {
                let worker = parse::worker(worker);
                self.feed(Input::WorkerSpawned { worker, pid: parse::pid(worker) });
                self.feed(Input::Frame { worker, frame: WorkerFrame::Hello });
                let request = self.requests[&worker];
                let frame = parse::ready(request, 0);
                self.feed(Input::Frame { worker, frame })
            }
            ["evidence"] => return print::evidence(self.evidence.as_deref()),
            ["pass", time] => {
                self.now += parse::time(time);
                self.feed_and_read(Input::Tick)
            }
            ["later", time] => {
                self.now += parse::time(time);
                Vec::new()
            }
            ["leave_unread", time] => {
                self.now += parse::time(time);
                self.feed(Input::Tick)
            }
            ["paused", time] => {
                let time = parse::time(time);
                self.now += time;
                let mut effects = self.feed(Input::HostPaused { time });
                effects.extend(self.feed_and_read(Input::Tick));
                effects
            }
            _ => {
                let input = self.read(&words);
                self.feed(input)
            }
        };
        print::all(&effects)
    }

    /// The driver reads at once what it is asked to read, and nothing is there.
    fn feed_and_read(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = self.feed(input);
        while let Some(at) = effects.iter().position(|effect| matches!(effect, Effect::CatchUp { .. })) {
            if let Effect::CatchUp { worker } = effects.remove(at) {
                effects.extend(self.feed(Input::CaughtUp { worker }));
            }
        }
        effects
    }

    fn feed(&mut self, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.machine.handle(self.now, input, &mut effects);
        for effect in &effects {
            match effect {
                Effect::Send { worker, request, command: Command::Execute { job, attempt } } => {
                    self.sent.insert(*job, (*worker, *request));
                    self.attempts.insert(*job, *attempt);
                }
                Effect::Send { worker, request, .. } => {
                    self.requests.insert(*worker, *request);
                }
                Effect::AskAdmission { job, ticket } => {
                    self.tickets.insert(*job, *ticket);
                }
                Effect::Settle { outcome, .. } => {
                    self.evidence = match outcome {
                        Outcome::Completed => None,
                        Outcome::Failed(failure) => failure.forensics.clone(),
                        Outcome::Cancelled(forensics) => forensics.clone(),
                    };
                }
                _ => {}
            }
        }
        effects
    }
}

#[allow(dead_code, reason = "not every test has a pool")]
pub(crate) fn pool(max_workers: u32, standby: u32) -> PoolConfig {
    PoolConfig { max_workers, standby, restart_policy: RestartPolicy::Always, ..config() }
}

/// Two workers that are up, then what happens.
#[allow(dead_code, reason = "not every test has a pool")]
pub(crate) fn two_up(config: PoolConfig, what: &str) {
    let script = "
        start        | spawn 0.1; spawn 1.2
        up 0.1       | 0.1 idle
        up 1.2       | 1.2 idle
    ";
    check(config, &format!("{script}\n{what}"));
}
