use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::control::Control;
use crate::host_clock::HostClock;
use crate::job::JobEntry;
use crate::place::Place;
use crate::queue::Queue;
use crate::recycling::GrowthWatch;
use crate::restart::{Fault, Jitter, RestartBudget};
use crate::slot::{Slot, Undead};
use crate::{
    Command, DownReason, Effect, Generation, Input, JobId, JobTable, PoolConfig, RequestId, SlotId, Ticket,
    WorkerKey,
};

/// How often jobs that wait for a resource are asked about again when nothing of ours was freed:
/// what they wait for may belong to somebody else.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(1);

/// All rules of a job manager: feed in what happened, carry out what comes out, in order.
///
/// It knows neither bytes nor processes nor the time of day. A job is known to it from
/// [`Input::Submit`] to [`Effect::Settle`]; ended jobs are the ledger's.
///
/// ```
/// use std::time::Instant;
/// use ostler_lifecycle::{Effect, Input, Machine, PoolConfig};
///
/// let mut machine = Machine::new(PoolConfig::default());
/// let mut effects = Vec::new();
/// machine.handle(Instant::now(), Input::Start, &mut effects);
/// assert!(matches!(effects[..], [Effect::Spawn { .. }]));
/// ```
#[derive(Debug)]
pub struct Machine {
    pub(super) clock: HostClock,
    pub(super) config: PoolConfig,
    pub(super) jobs: JobTable<JobEntry>,
    pub(super) queue: Queue,
    /// No job starts.
    pub(super) paused: bool,
    /// The jobs in quarantine, oldest first.
    pub(super) quarantine: BTreeMap<Place, JobId>,
    pub(super) slots: Vec<Slot>,
    pub(super) undead: Vec<Undead>,
    pub(super) controls: Vec<Control>,
    /// For workers that were ready.
    pub(super) crash_budget: RestartBudget,
    /// For workers that were not.
    pub(super) load_budget: RestartBudget,
    pub(super) jitter: Jitter,
    pub(super) degraded: bool,
    pub(super) down: Option<DownReason>,
    pub(super) intake: Intake,
    pub(super) growth: GrowthWatch,
    pub(super) short_of_memory: bool,
    /// When blocked jobs get their turn again at the latest.
    pub(super) ask_again_at: Option<Instant>,
    generations: u64,
    requests: u64,
    tickets: u64,
}

/// How far a shutdown has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Intake {
    Open,
    /// No new jobs; the accepted ones go on until then.
    Draining {
        deadline: Instant,
    },
    /// The deadline has passed: everything is being ended.
    Ending,
    Closed,
}

impl Machine {
    /// A machine with empty slots; [`Input::Start`] fills them, or the first job does.
    pub fn new(config: PoolConfig) -> Self {
        Self {
            clock: HostClock::default(),
            jobs: JobTable::default(),
            queue: Queue::new(config.aging_step, config.plugin_limits.iter().map(|(plugin, _)| *plugin)),
            paused: false,
            quarantine: BTreeMap::new(),
            slots: (0..config.max_workers + config.standby).map(|index| Slot::new(SlotId(index))).collect(),
            undead: Vec::new(),
            controls: Vec::new(),
            crash_budget: RestartBudget::new(config.max_restart_attempts, config.restart_window),
            load_budget: RestartBudget::new(config.max_start_attempts, config.restart_window),
            jitter: Jitter::new(config.jitter_seed),
            degraded: false,
            down: None,
            intake: Intake::Open,
            growth: GrowthWatch::default(),
            short_of_memory: false,
            ask_again_at: None,
            generations: 0,
            requests: 0,
            tickets: 0,
            config,
        }
    }

    /// Feeds in one thing that happened; the effects to carry out are pushed to `out`, in order.
    ///
    /// `now` must not run backwards. The machine counts in the time in which the host ran: `now`, less what
    /// [`Input::HostPaused`] took away. What comes late (from an earlier worker, about an ended job) changes nothing.
    pub fn handle(&mut self, now: Instant, input: Input, out: &mut Vec<Effect>) {
        if let Input::HostPaused { time } = input {
            self.clock.lose(time);
        }
        let now = self.clock.read(now);
        let begin = out.len();
        let mut fresh = None;
        match input {
            Input::Start => self.start(now, out),
            Input::Submit(submit) => fresh = self.submit(now, submit, out),
            Input::Cancel { job, grace } => self.cancel(now, job, grace, out),
            Input::Release { job } => self.release(job, out),
            Input::GiveUp { job } => self.give_up_quarantined(job, out),
            Input::Admission { job, ticket, answer } => self.admission(now, job, ticket, answer, out),
            Input::WorkerSpawned { worker, pid } => self.worker_spawned(now, worker, pid, out),
            Input::SpawnFailed { worker, message } => self.spawn_failed(now, worker, message, out),
            Input::Frame { worker, frame } => self.frame(now, worker, frame, out),
            Input::WorkerExited { worker, exit } => self.worker_exited(now, worker, exit, out),
            Input::CaughtUp { worker } => self.caught_up(now, worker, out),
            Input::HostPaused { .. } => {}
            Input::Tick => self.tick(now, out),
            Input::Control { id, operation } => self.control(now, id, operation, out),
            Input::RestartWorkers => self.restart_workers(now, out),
            Input::Pause => self.pause(now, out),
            Input::Resume => self.resume(out),
            Input::Resize { max_workers, standby } => self.resize(now, max_workers, standby, out),
            Input::Memory { available, resident } => self.memory(now, available, &resident, out),
            Input::Shutdown { deadline } => self.shutdown(now, self.clock.shown_at(deadline), out),
        }
        self.carry_out_plan(now, out);
        self.dispatch(now, fresh, out);
        self.fill_for_pending(now, out);
        self.judge_health(now, out);
        self.refuse_what_nobody_will_do(out);
        self.advance_shutdown(now, out);
        // Workers compute while the rest is recorded and told.
        let gives_work =
            |effect: &Effect| matches!(effect, Effect::Send { command: Command::Execute { .. }, .. });
        out[begin..].sort_by_key(|effect| !gives_work(effect));
    }

    pub(super) fn slot(&mut self, id: SlotId) -> &mut Slot {
        // Slots are only added, and only this machine makes slot ids: see `Machine::vacant_slot`.
        &mut self.slots[id.0 as usize]
    }

    /// The slot in which exactly this worker lives.
    pub(super) fn living(&mut self, worker: WorkerKey) -> Option<&mut Slot> {
        self.slots
            .get_mut(worker.slot.0 as usize)
            .filter(|slot| slot.generation == worker.generation && slot.has_worker())
    }

    pub(super) fn budget(&mut self, fault: Fault) -> &mut RestartBudget {
        match fault {
            Fault::Load => &mut self.load_budget,
            Fault::Crash => &mut self.crash_budget,
        }
    }

    pub(super) fn next_generation(&mut self) -> Generation {
        self.generations += 1;
        Generation(self.generations)
    }

    pub(super) fn next_ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    pub(super) fn send(&mut self, worker: WorkerKey, command: Command, out: &mut Vec<Effect>) -> RequestId {
        self.requests += 1;
        let request = RequestId(self.requests);
        out.push(Effect::Send { worker, request, command });
        request
    }
}
