use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use ostler_lifecycle::{Input, Machine};
use ostler_process::{Maker, SpawnSpec};
use ostler_shm::TrustedPeer;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot, watch};

use super::cargo::Cargo;
use super::clock::Clock;
use super::closing::Closed;
use super::errand::{Errand, Errands};
use super::expiry::Expiry;
use super::perform::Step;
use super::plugin_keys::PluginKeys;
use super::state::State;
use super::{Catalog, Face, Host, Notices, meter, timer};
use crate::caught::{hook, say};
use crate::default_hook::OwnHooks;
use crate::events::{EventLog, ManagerEvents};
use crate::integration::ManagerId;
use crate::{JobType, LaunchError, WorkerConfig};

/// What one manager's clones, handles and workers share.
pub(crate) struct Core<J: JobType> {
    state: Mutex<State<J>>,
    /// Written only under the state's lock, so that it fits to what the workers have.
    catalog: RwLock<Arc<Catalog>>,
    pub(crate) host: Arc<dyn Host<J>>,
    pub(crate) notices: Notices,
    pub(super) settings: Settings,
    pub(super) runtime: Handle,
    pub(super) timer: Notify,
    pub(super) meter: Notify,
    /// By when a shutdown is to be over, once one was asked for.
    pub(super) closing: watch::Sender<Option<Instant>>,
    /// Once the shutdown is complete.
    pub(super) closed: watch::Sender<Option<Closed>>,
    /// How many hooks run on tasks of their own.
    pub(super) hooks: watch::Sender<usize>,
    /// How many dead workers are being swept for.
    pub(super) sweeps: watch::Sender<usize>,
    /// Whether the job's type was seen to survive its encoding.
    pub(super) round_trip_checked: AtomicBool,
}

/// What does not change.
pub(super) struct Settings {
    pub(super) id: ManagerId,
    pub(super) maker: Arc<dyn Maker>,
    pub(super) command: SpawnSpec,
    pub(super) command_text: String,
    pub(super) max_frame_bytes: usize,
    pub(super) shutdown_timeout: Duration,
    pub(super) spin: Duration,
    pub(super) shared_memory_bytes: usize,
    pub(super) results_in_place: Option<TrustedPeer>,
    /// Whether the machine wants to know how large workers are after each job.
    pub(super) measures_jobs: bool,
    pub(super) hook_timeout: Duration,
    /// Plugins of which only so many jobs may run at once, by name.
    pub(super) limited_plugins: Vec<String>,
    pub(super) own_hooks: OwnHooks,
    pub(super) worker_type: String,
    pub(super) supports_streaming: bool,
}

/// What a core is made of.
pub(crate) struct Parts<J: JobType> {
    pub(crate) host: Arc<dyn Host<J>>,
    pub(crate) face: Face,
    pub(crate) catalog: Catalog,
    pub(crate) notices: Notices,
    pub(crate) maker: Arc<dyn Maker>,
    pub(crate) command: SpawnSpec,
    pub(crate) command_text: String,
    pub(crate) config: WorkerConfig,
    pub(crate) runtime: Handle,
}

impl<J: JobType> Core<J> {
    pub(crate) fn start(parts: Parts<J>) -> Arc<Self> {
        let Parts { host, face, catalog, notices, maker, command, command_text, config, runtime } = parts;
        let mut plugin_keys = PluginKeys::default();
        let has_hook = face.own_hooks.validates;
        let machine = Machine::new(config.pool(has_hook, jitter_seed(), |name| plugin_keys.of(name)));
        let core = Arc::new(Self {
            state: Mutex::new(State::new(
                machine,
                plugin_keys,
                config.finished_jobs_kept,
                Expiry::new(config.finished_jobs_kept_for),
            )),
            catalog: RwLock::new(Arc::new(catalog)),
            host,
            notices,
            settings: Settings {
                id: ManagerId::new(),
                maker,
                command,
                command_text,
                max_frame_bytes: config.max_frame_bytes,
                shutdown_timeout: config.shutdown_timeout,
                spin: config.spin,
                shared_memory_bytes: config.shared_memory(),
                results_in_place: config.results_in_place,
                measures_jobs: config.recycling.after_growth.is_some(),
                hook_timeout: config.hook_timeout,
                limited_plugins: config.plugin_limits.into_keys().collect(),
                own_hooks: face.own_hooks,
                worker_type: face.worker_type,
                supports_streaming: face.supports_streaming,
            },
            runtime,
            timer: Notify::new(),
            meter: Notify::new(),
            closing: watch::Sender::new(None),
            closed: watch::Sender::new(None),
            hooks: watch::Sender::new(0),
            sweeps: watch::Sender::new(0),
            round_trip_checked: AtomicBool::new(false),
        });
        timer::start(&core);
        core.runtime.spawn(meter::run(Arc::clone(&core)));
        core
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State<J>> {
        // The machine does not panic, and a panic of the host's code is caught where it is called: see `State`.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn change_catalog(&self, change: impl FnOnce(&mut Catalog)) {
        let mut current = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut current));
    }

    /// Feeds in one thing that happened and carries out what follows. Returns the log of a job if its begin or
    /// something that it said was added to it.
    pub(crate) fn feed(self: &Arc<Self>, input: Input, cargo: Cargo<J>) -> Option<Arc<EventLog>> {
        let mut errands = Errands::default();
        let grown = self.step(&mut self.lock(), input, cargo, &mut errands);
        errands.run(self);
        grown
    }

    /// One step of the machine. The errands are the caller's to run, after the lock.
    pub(super) fn step(
        self: &Arc<Self>,
        state: &mut State<J>,
        input: Input,
        cargo: Cargo<J>,
        errands: &mut Errands<J>,
    ) -> Option<Arc<EventLog>> {
        let mut effects = std::mem::take(&mut state.effects);
        // Under the lock, so that the machine's time never runs backwards.
        let now = Instant::now();
        if let Some(time) = state.alarm.lost(now) {
            state.machine.handle(now, Input::HostPaused { time }, &mut effects);
        }
        if matches!(input, Input::Tick) {
            let expired = state.expire(now);
            if !expired.is_empty() {
                errands.push(Errand::Expire(expired));
            }
        }
        state.machine.handle(now, input, &mut effects);
        let mut step = Step { core: self, state, cargo, clock: Clock::default(), errands, grown: None };
        for effect in effects.drain(..) {
            // Under all this is code of the host's: clones of its types, wakers, subscribers to traces. What one of them
            // breaks is one effect, and not those behind it.
            if let Err(panic) = hook("code under a step", || step.perform(effect)) {
                say!(error, "{panic}");
            }
        }
        let Step { grown, cargo, .. } = step;
        // It is the host's: nothing of it is dropped under the lock.
        if !matches!(cargo, Cargo::None) {
            errands.push(Errand::Unload(cargo));
        }
        state.effects = effects;
        self.arm_timer(state, now);
        if !state.is_measured && state.machine.measure_every().is_some() {
            state.is_measured = true;
            self.meter.notify_one();
        }
        grown
    }

    fn arm_timer(&self, state: &mut State<J>, now: Instant) {
        let next = state.next_deadline();
        let State { machine, alarm, .. } = state;
        if alarm.must_be_set(now, next, || machine.counts_time()) {
            self.timer.notify_one();
        }
    }

    pub(super) fn close(&self, still_dying: Vec<u32>) {
        self.closed.send_replace(Some(Closed { still_dying, at: Instant::now() }));
        self.timer.notify_one();
        self.meter.notify_one();
    }

    pub(crate) fn worker_type(&self) -> &str {
        &self.settings.worker_type
    }

    pub(crate) fn id(&self) -> ManagerId {
        self.settings.id
    }

    pub(crate) fn supports_streaming(&self) -> bool {
        self.settings.supports_streaming
    }

    /// Fills the slots, and waits until a worker is ready or has failed to become so.
    pub(crate) async fn start_workers(self: &Arc<Self>, input: Input) -> Result<(), LaunchError> {
        let (sender, ready) = oneshot::channel();
        let mut errands = Errands::default();
        {
            let mut state = self.lock();
            state.ready_waiters.push(sender);
            self.step(&mut state, input, Cargo::None, &mut errands);
            self.answer_if_ready(&mut state);
        }
        errands.run(self);
        ready.await.unwrap_or(Err(LaunchError::ShutDown))
    }

    fn answer_if_ready(&self, state: &mut State<J>) {
        use ostler_lifecycle::SlotPhase::{Busy, Idle};
        let verdict = if state.is_closed() {
            Err(LaunchError::ShutDown)
        } else if state.machine.slots().any(|slot| matches!(slot.phase, Idle | Busy)) {
            Ok(())
        } else {
            return;
        };
        if let Some(waiter) = state.ready_waiters.pop() {
            // Whoever waited may have given up.
            let _ = waiter.send(verdict);
        }
    }

    pub(crate) fn events(&self) -> ManagerEvents {
        self.lock().events.events()
    }
}

fn jitter_seed() -> u64 {
    // Random enough to spread restarts: without entropy it is the time.
    getrandom::u64().unwrap_or_else(|_| Timestamp::now().as_nanosecond() as u64)
}
