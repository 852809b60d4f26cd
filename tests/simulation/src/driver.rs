//! What the process driver does in a real host, and what the kernel does to it: carries effects out, and feeds
//! back what they led to.

use std::time::Duration;

use ostler_lifecycle::{
    Admission, Command, Effect, ExitStatus, Input, LimitKind, PluginKey, RequestId, WorkerExit, WorkerFrame,
    WorkerKey,
};

use super::agenda::{Act, Happening};
use super::process::{Process, Stage};
use super::script::{self, Manners, Script};
use super::settings::{BASELINE, BASELINE_SPREAD, PLUGINS};
use super::violation::Verdict;
use super::world::{World, remember};

impl World {
    pub(super) fn carry_out(&mut self, effect: &Effect) {
        match effect {
            Effect::Spawn { worker } => self.begin_spawn(*worker),
            Effect::Send { worker, request, command } => self.send(*worker, *request, *command),
            Effect::Kill { worker } => self.kill(*worker),
            Effect::CatchUp { worker } => {
                let slow = !self.calm && self.rng.chance(200);
                let delay = self.rng.up_to_ms(if slow { 300 } else { 2 });
                self.after(delay, Happening::CatchUp(*worker));
            }
            Effect::AskAdmission { job, ticket } => {
                remember(&mut self.recent_tickets, (*job, *ticket));
                let answer = self.answer_of_the_hook();
                let slow = self.rng.chance(50);
                let delay = self.rng.up_to_ms(if slow { 1500 } else { 10 });
                if !self.calm && self.rng.chance(self.scenario.faults / 4) {
                    return; // The hook's code hangs.
                }
                if self.rng.chance(30) {
                    self.after(
                        delay + Duration::from_millis(1),
                        Happening::Admit(*job, *ticket, Admission::Proceed),
                    );
                }
                self.after(delay, Happening::Admit(*job, *ticket, answer));
            }
            _ => {}
        }
    }

    fn answer_of_the_hook(&mut self) -> Admission {
        if self.calm || !self.rng.chance(self.scenario.refusals) {
            return Admission::Proceed;
        }
        let reason = "the device is full".to_owned();
        if self.rng.chance(800) { Admission::Wait { reason } } else { Admission::Refuse { reason } }
    }

    fn begin_spawn(&mut self, worker: WorkerKey) {
        self.pids += 1;
        let resident = BASELINE + self.rng.next() % BASELINE_SPREAD;
        let growth = self.rng.next() % (self.scenario.growth + 1);
        self.processes.insert(worker, Process::new(self.pids, resident, growth));
        let slow = !self.calm && self.rng.chance(self.scenario.undying / 2);
        let delay = self.rng.up_to_ms(if slow { 1000 } else { 10 });
        self.after(delay, Happening::SpawnDone(worker));
    }

    fn send(&mut self, worker: WorkerKey, request: RequestId, command: Command) {
        if let Some(process) = self.processes.get_mut(&worker) {
            process.inbox.push_back((request, command));
        }
        let delay = self.rng.up_to_ms(2);
        self.after(delay, Happening::Arrive(worker));
    }

    fn kill(&mut self, worker: WorkerKey) {
        if let Some(process) = self.processes.get_mut(&worker) {
            process.killed = true;
            if process.is_living() && !process.frozen {
                self.die_of_the_kill(worker);
            }
        }
    }

    fn die_of_the_kill(&mut self, worker: WorkerKey) {
        let mut delay = self.rng.up_to_ms(3);
        if !self.calm && self.rng.chance(self.scenario.undying) {
            delay += self.scenario.config.kill_timeout + self.rng.up_to_ms(500);
        }
        self.after(delay, Happening::Die(worker));
    }

    /// Lets something happen to a process.
    pub(super) fn happen_to_process(&mut self, worker: WorkerKey, happening: Happening) -> Verdict {
        let Some(process) = self.processes.get_mut(&worker) else { return Ok(()) };
        match happening {
            Happening::SpawnDone(_) => return self.spawned(worker),
            Happening::Arrive(_) if process.is_awake() => {
                if let Some((request, command)) = process.inbox.pop_front() {
                    self.hear(worker, request, command);
                }
            }
            Happening::Act(_, resolve, act) if process.is_awake() && process.resolve == resolve => {
                match act {
                    Act::Say(frame) => self.say(worker, frame),
                    Act::Crash => self.die(worker),
                    Act::Freeze => process.frozen = true,
                    Act::Mute => self.stop(worker),
                }
            }
            Happening::Deliver(_) if process.stage != Stage::Reaped => {
                if let Some(frame) = process.wire.pop_front() {
                    return self.feed(Input::Frame { worker, frame });
                }
            }
            Happening::Die(_) => self.die(worker),
            Happening::CatchUp(_) => return self.read_all(worker),
            Happening::Wake(_) if process.mute => {
                process.mute = false;
                // Now it hears what it was told in the meantime.
                let unheard = process.inbox.len();
                for _ in 0..unheard {
                    self.after(Duration::ZERO, Happening::Arrive(worker));
                }
            }
            Happening::Reap(_) => return self.reap(worker),
            _ => {}
        }
        Ok(())
    }

    fn spawned(&mut self, worker: WorkerKey) -> Verdict {
        let faults = if self.calm { 0 } else { self.scenario.faults };
        let Some(process) = self.processes.get_mut(&worker) else { return Ok(()) };
        if self.rng.chance(faults / 2) {
            process.stage = Stage::Reaped;
            remember(&mut self.graves, worker);
            return self.feed(Input::SpawnFailed { worker, message: "no such file".to_owned() });
        }
        process.stage = Stage::Living;
        let (pid, killed) = (process.pid, process.killed);
        self.feed(Input::WorkerSpawned { worker, pid })?;
        if killed {
            self.die_of_the_kill(worker);
        }
        let script = script::at_start(self.manners(), &mut self.rng);
        self.plan(worker, script);
        Ok(())
    }

    fn manners(&self) -> Manners {
        Manners {
            faults: if self.calm { 0 } else { self.scenario.faults },
            job_length: self.scenario.job_length,
        }
    }

    fn hear(&mut self, worker: WorkerKey, request: RequestId, command: Command) {
        let manners = self.manners();
        let Some(process) = self.processes.get_mut(&worker) else { return };
        if let Command::Execute { job, attempt } = command {
            process.job = Some((request, job, attempt));
        }
        // Some jobs do not look whether they are to end.
        let heeds = !matches!(command, Command::Cancel { .. }) || self.rng.chance(500);
        process.resolve += u32::from(heeds && matches!(command, Command::Cancel { .. }));
        let job = process.job.filter(|_| heeds);
        let script = script::reaction(request, command, job, manners, &mut self.rng);
        self.plan(worker, script);
    }

    fn plan(&mut self, worker: WorkerKey, script: Script) {
        let resolve = self.processes.get(&worker).map_or(0, |process| process.resolve);
        for (delay, act) in script {
            self.after(delay, Happening::Act(worker, resolve, act));
        }
    }

    /// Somebody stops the process, and lets it go on later, or not.
    pub(super) fn stop(&mut self, worker: WorkerKey) {
        if let Some(process) = self.processes.get_mut(&worker) {
            process.mute = true;
            if self.rng.chance(600) {
                let delay = self.rng.up_to_ms(800);
                self.after(delay, Happening::Wake(worker));
            }
        }
    }

    pub(super) fn say(&mut self, worker: WorkerKey, mut frame: WorkerFrame) {
        if let Some(process) = self.processes.get_mut(&worker) {
            match &mut frame {
                // Some systems cannot tell.
                WorkerFrame::Ready { resident, loaded, .. } => {
                    *resident = if self.rng.chance(900) { process.resident } else { 0 };
                    *loaded = some_plugins(self.rng.next());
                }
                WorkerFrame::Result { resident, .. } => {
                    process.resident += process.growth;
                    *resident = if self.rng.chance(900) { process.resident } else { 0 };
                }
                _ => {}
            }
            process.say(frame);
            let latency = self.rng.up_to_ms(2);
            self.after(latency, Happening::Deliver(worker));
        }
    }

    /// The process ends. Sleep holds even a kill up.
    pub(super) fn die(&mut self, worker: WorkerKey) {
        let Some(process) = self.processes.get_mut(&worker) else { return };
        if !process.is_living() || process.frozen {
            return;
        }
        process.stage = Stage::Dead;
        if !process.hung_up && self.rng.chance(500) {
            self.say(worker, WorkerFrame::HungUp);
        }
        let delay = self.rng.up_to_ms(4);
        self.after(delay, Happening::Reap(worker));
    }

    /// The host reads all that a worker has said, and finds whether it is dead.
    fn read_all(&mut self, worker: WorkerKey) -> Verdict {
        match self.processes.get(&worker).map(|process| process.stage) {
            Some(Stage::Dead) => return self.reap(worker),
            Some(Stage::Living) => self.hear_all(worker)?,
            Some(Stage::Making | Stage::Reaped) | None => {}
        }
        self.feed(Input::CaughtUp { worker })
    }

    fn hear_all(&mut self, worker: WorkerKey) -> Verdict {
        while let Some(frame) = self.processes.get_mut(&worker).and_then(|process| process.wire.pop_front()) {
            self.feed(Input::Frame { worker, frame })?;
        }
        Ok(())
    }

    /// Exit never overtakes frames: what it said is fed in first.
    fn reap(&mut self, worker: WorkerKey) -> Verdict {
        // It was reaped when the host looked for what lay unread.
        if self.processes.get(&worker).is_none_or(|process| process.stage == Stage::Reaped) {
            return Ok(());
        }
        self.hear_all(worker)?;
        if let Some(process) = self.processes.get_mut(&worker) {
            process.stage = Stage::Reaped;
        }
        remember(&mut self.graves, worker);
        let status = match self.rng.below(3) {
            0 => ExitStatus::Code(1),
            1 => ExitStatus::Signal { number: 9, core_dumped: false },
            _ => ExitStatus::Unknown,
        };
        let mut exit = WorkerExit::bare(status);
        if self.rng.chance(200) {
            exit.torn_frame = Some("the connection ended in the middle of a frame".to_owned());
        }
        if self.rng.chance(100) {
            exit.out_of_memory = Some("the kernel says so".to_owned());
        }
        if self.rng.chance(50) {
            exit.limit = Some(LimitKind::CpuTime);
        }
        self.feed(Input::WorkerExited { worker, exit })
    }

    pub(super) fn thaw(&mut self) {
        let sleeping: Vec<_> =
            self.processes.iter().filter(|(_, process)| process.frozen).map(|(&worker, _)| worker).collect();
        for worker in sleeping {
            if let Some(process) = self.processes.get_mut(&worker) {
                process.frozen = false;
                if process.killed {
                    self.die(worker);
                }
            }
        }
    }
}

/// Any of them, as the bits say.
fn some_plugins(bits: u64) -> Vec<PluginKey> {
    PLUGINS.into_iter().filter(|plugin| bits >> plugin.0 & 1 == 1).collect()
}
