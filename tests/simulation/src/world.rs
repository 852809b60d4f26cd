//! The world around one machine: its clock, its processes, its host, and the loop that lets time pass.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use ostler_lifecycle::{Effect, Input, JobId, Machine, RestartPolicy, Ticket, WorkerKey};

use super::agenda::{Agenda, Happening};
use super::model::Model;
use super::process::Process;
use super::recorder::{Recorder, Shown};
use super::rng::Rng;
use super::scenario::Scenario;
use super::violation::{Verdict, ensure};

/// More steps than any history needs: one that takes more runs in circles.
const ENDLESS: u64 = 200_000;

/// Everything that a history consists of. What it does is a function of its seed.
pub(crate) struct World {
    pub(super) rng: Rng,
    pub(super) scenario: Scenario,
    pub(super) machine: Machine,
    pub(super) model: Model,
    pub(crate) recorder: Recorder,
    pub(super) start: Instant,
    pub(super) now: Instant,
    pub(super) agenda: Agenda,
    pub(super) processes: BTreeMap<WorkerKey, Process>,
    /// How much later than asked for the next tick comes.
    lateness: Duration,
    effects: Vec<Effect>,
    pub(crate) steps: u64,
    pub(super) acts_left: usize,
    /// From now on nothing new goes wrong.
    pub(super) calm: bool,
    pub(super) shut_down: bool,
    /// The host is short of memory.
    pub(super) short: bool,
    pub(super) jobs_made: u32,
    pub(super) controls_made: u64,
    pub(super) pids: u32,
    /// Jobs, tickets and workers of late, to be named again when it is too late.
    pub(super) recent_jobs: VecDeque<JobId>,
    pub(super) recent_tickets: VecDeque<(JobId, Ticket)>,
    pub(super) graves: VecDeque<WorkerKey>,
}

impl World {
    pub(crate) fn new(seed: u64, policy: RestartPolicy, recorder: Recorder) -> Self {
        let mut rng = Rng::new(seed);
        let scenario = Scenario::random(policy, &mut rng);
        let start = Instant::now();
        Self {
            machine: Machine::new(scenario.config.clone()),
            model: Model::new(scenario.config.clone(), start),
            acts_left: scenario.acts,
            rng,
            scenario,
            recorder,
            start,
            now: start,
            agenda: Agenda::default(),
            processes: BTreeMap::new(),
            lateness: Duration::ZERO,
            effects: Vec::new(),
            steps: 0,
            calm: false,
            shut_down: false,
            short: false,
            jobs_made: 0,
            controls_made: 0,
            pids: 1000,
            recent_jobs: VecDeque::new(),
            recent_tickets: VecDeque::new(),
            graves: VecDeque::new(),
        }
    }

    /// Lets the history happen, to its end or for so many steps.
    pub(crate) fn run(&mut self, limit: u64) -> Verdict {
        if self.scenario.eager {
            self.feed(Input::Start)?;
        }
        self.agenda.add(self.now, Happening::Host);
        self.agenda.add(self.now, Happening::Chaos);
        self.agenda.add(self.now, Happening::Measure);
        while self.steps < limit {
            let tick_at = self.machine.next_deadline().map(|at| at + self.lateness);
            match (self.agenda.next_at(), tick_at) {
                (None, None) => return self.model.at_the_end(&self.machine),
                (next, Some(tick_at)) if next.is_none_or(|next| tick_at <= next) => self.tick(tick_at)?,
                (next, _) => {
                    self.now = self.now.max(next.unwrap_or(self.now));
                    if let Some(happening) = self.agenda.pop() {
                        self.happen(happening)?;
                    }
                }
            }
            ensure(self.steps < ENDLESS, "a_history_ends", || "it runs in circles".to_owned())?;
        }
        Ok(())
    }

    fn tick(&mut self, at: Instant) -> Verdict {
        self.now = self.now.max(at);
        self.lateness = if self.rng.chance(700) { Duration::ZERO } else { self.rng.up_to_ms(20) };
        self.feed(Input::Tick)
    }

    /// Feeds the machine, lets the model judge what came out, and carries it out.
    pub(super) fn feed(&mut self, input: Input) -> Verdict {
        self.steps += 1;
        let mut effects = std::mem::take(&mut self.effects);
        effects.clear();
        let before = self.model.foresee(self.now, &input, &self.machine);
        self.machine.handle(self.now, input.clone(), &mut effects);
        let shown = Shown { now: self.now, input: &input };
        self.recorder.step(self.steps, self.now - self.start, &shown, &effects);
        before?;
        self.model.judge(&input, &effects, &self.machine)?;
        for effect in &effects {
            self.carry_out(effect);
        }
        self.effects = effects;
        Ok(())
    }

    pub(crate) fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    pub(super) fn after(&mut self, delay: Duration, happening: Happening) {
        self.agenda.add(self.now + delay, happening);
    }
}

/// Keeps the last few.
pub(super) fn remember<T>(list: &mut VecDeque<T>, item: T) {
    if list.len() == 30 {
        list.pop_front();
    }
    list.push_back(item);
}
