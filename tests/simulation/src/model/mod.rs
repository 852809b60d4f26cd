//! What must be true, judged from outside: the model knows only what went into the machine and what came out.
//!
//! Each step is judged in three parts. `foresee` notes what an input means, and what it therefore must lead to;
//! `judge` goes through the effects, each of which needs a reason; `after` looks for what did not happen.

mod after;
mod controls;
mod deadlines;
mod ends;
mod foresee;
mod frames;
mod health;
mod job;
mod jobs;
mod kills;
mod lives;
mod memory;
mod pause;
mod plugin_limits;
mod pool;
mod restart;
mod retries;
mod runs;
mod step;
mod unread;
mod worker;
mod workers;

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant};

use ostler_lifecycle::{
    Command, ControlId, Effect, Input, JobId, Machine, PoolConfig, RequestId, SlotId, Ticket, WorkerChange,
    WorkerKey,
};

use self::controls::Control;
use self::job::{Job, Stage};
use self::restart::Restarts;
use self::step::Step;
use self::worker::Worker;
use super::violation::{Verdict, Violation, ensure};

/// What is known of a machine without looking into it.
#[derive(Debug)]
pub(crate) struct Model {
    config: PoolConfig,
    start: Instant,
    /// In the time in which the host ran.
    now: Instant,
    /// How long it did not.
    lost: Duration,
    jobs: BTreeMap<JobId, Job>,
    ended: HashSet<JobId>,
    submits: u64,
    workers: BTreeMap<WorkerKey, Worker>,
    controls: BTreeMap<ControlId, Control>,
    restarts: Restarts,
    last_generation: u64,
    last_request: RequestId,
    last_ticket: Ticket,
    /// Free workers that were lost: with one of them a reservation may have gone.
    losses: u64,
    /// When all that wait for a resource get another turn at the latest.
    ask_again_at: Option<Instant>,
    down: bool,
    degraded: bool,
    /// No job may start.
    paused: bool,
    shutdown: Option<Instant>,
    /// When the shutdown's deadline was noticed.
    ending: Option<Instant>,
    /// Without a look at what was said before.
    ends_at_once: bool,
    /// When all was read last that some worker had said.
    last_reading: Option<Instant>,
    closed: bool,
    /// The host is short of memory.
    pressure: bool,
    /// What was taken at least, once it was ready, by the last worker of a slot that had to make room.
    needs: BTreeMap<SlotId, u64>,
    /// The pool was made larger while the host was short of memory.
    grows_later: bool,
    /// The pool was made smaller once: busy workers may be marked to go.
    shrunk: bool,
    /// Fewer jobs may run than once: more may be reserved for.
    narrowed: bool,
    /// Since when, at the earliest, somebody had had nothing to do whose place another one has taken.
    idle_before: Option<Instant>,
    /// First jobs in a row that made their workers grow too much.
    grown_in_a_row: u32,
    /// Ticks at the same moment, without anything else.
    idle_ticks: u32,
    step: Step,
}

impl Model {
    pub(crate) fn new(config: PoolConfig, now: Instant) -> Self {
        Self {
            restarts: Restarts::default(),
            config,
            start: now,
            now,
            lost: Duration::ZERO,
            jobs: BTreeMap::new(),
            ended: HashSet::new(),
            submits: 0,
            workers: BTreeMap::new(),
            controls: BTreeMap::new(),
            last_generation: 0,
            last_request: RequestId(0),
            last_ticket: Ticket(0),
            losses: 0,
            ask_again_at: None,
            down: false,
            degraded: false,
            paused: false,
            shutdown: None,
            ending: None,
            ends_at_once: false,
            last_reading: None,
            closed: false,
            pressure: false,
            needs: BTreeMap::new(),
            grows_later: false,
            shrunk: false,
            narrowed: false,
            idle_before: None,
            grown_in_a_row: 0,
            idle_ticks: 0,
            step: Step::default(),
        }
    }

    /// Judges what the machine made of an input that was foreseen.
    pub(crate) fn judge(&mut self, input: &Input, effects: &[Effect], machine: &Machine) -> Verdict {
        // Who is to replace a worker that is recycled may be started now: the budget has room again, or the one that could
        // have taken over has hung up. That start may also be refused.
        let late_start = |effect: &Effect| {
            matches!(effect, Effect::Spawn { .. } | Effect::Degraded { .. }) && self.is_recycling()
        };
        ensure(
            !self.step.quiet || effects.iter().all(late_start),
            "what_comes_late_changes_nothing",
            || format!("{input:?} led to {effects:?}"),
        )?;
        self.pressure_has_a_reason(machine)?;
        for effect in as_decided(effects)? {
            self.effect(effect, input)?;
        }
        self.after(input, machine)
    }

    fn effect(&mut self, effect: &Effect, input: &Input) -> Verdict {
        match effect {
            Effect::Spawn { worker } => self.spawn(*worker, input),
            Effect::Send { worker, request, command } => self.send(*worker, *request, *command, input),
            Effect::Kill { worker } => self.kill(*worker, input),
            Effect::CatchUp { worker } => self.read(*worker),
            Effect::AskAdmission { job, ticket } => self.ask(*job, *ticket),
            Effect::Publish { job, change } => self.publish(*job, change, input),
            Effect::Settle { job, outcome } => self.settle(*job, outcome, input),
            Effect::Reject { job, rejection } => self.reject(*job, rejection, input),
            Effect::StillDying { job, pid } => self.still_dying(*job, *pid),
            Effect::Worker { worker, change } => self.worker_change(*worker, change, input),
            Effect::Report { id } => self.report(*id),
            Effect::Answer { id, result } => self.answer(*id, result),
            Effect::Degraded { reason } => self.degraded(reason),
            Effect::Recovered => self.recovered(),
            Effect::Down { reason } => self.went_down(reason),
            Effect::RecyclingRefused { .. } => self.limit_refused(),
            Effect::Paused => self.paused(input),
            Effect::Resumed => self.resumed(input),
            Effect::Up => self.came_up(input),
            Effect::Closed { still_dying } => self.close(still_dying),
        }
    }

    /// The jobs that a worker has.
    pub(crate) fn jobs_in_workers(&self) -> Vec<JobId> {
        self.jobs.iter().filter(|(_, job)| job.worker().is_some()).map(|(&id, _)| id).collect()
    }

    pub(crate) fn jobs_in_quarantine(&self) -> Vec<JobId> {
        self.jobs.iter().filter(|(_, job)| job.stage == Stage::Quarantined).map(|(&id, _)| id).collect()
    }

    /// Whether the hook's answer to this question would count.
    pub(crate) fn awaits_admission(&self, job: JobId, ticket: Ticket) -> bool {
        self.jobs.get(&job).is_some_and(|job| job.is_asked(ticket))
    }

    fn is_given_up(&self, worker: WorkerKey) -> bool {
        self.workers.get(&worker).is_some_and(|worker| worker.given_up)
    }
}

/// The effects in the order in which they were decided. Work is given first, so that it goes on while the rest is
/// carried out: that a worker is busy is said where it was decided.
fn as_decided(effects: &[Effect]) -> Result<Vec<&Effect>, Violation> {
    let work = |effect: &Effect| match effect {
        Effect::Send { worker, command: Command::Execute { .. }, .. } => Some(*worker),
        _ => None,
    };
    let count = effects.iter().take_while(|effect| work(effect).is_some()).count();
    let (given, rest) = effects.split_at(count);
    ensure(rest.iter().all(|effect| work(effect).is_none()), "work_is_given_first", || {
        format!("{effects:?}")
    })?;
    let mut decided = Vec::with_capacity(effects.len());
    for effect in rest {
        if let Effect::Worker { worker, change: WorkerChange::Busy { .. } } = effect {
            decided.extend(given.iter().filter(|given| work(given) == Some(*worker)));
        }
        decided.push(effect);
    }
    ensure(decided.len() == effects.len(), "who_is_given_work_is_said_to_be_busy", || {
        format!("{effects:?}")
    })?;
    Ok(decided)
}
