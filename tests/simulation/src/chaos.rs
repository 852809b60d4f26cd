//! What nobody asked for: things that come too late, things that never were, and damage.

use std::time::{Duration, Instant};

use ostler_lifecycle::{
    Admission, ExitStatus, Generation, Input, RequestId, SlotId, Ticket, WorkerExit, WorkerFrame, WorkerKey,
};

use super::agenda::Happening;
use super::host::job_id;
use super::violation::Verdict;
use super::world::World;

impl World {
    pub(super) fn chaos_strikes(&mut self) -> Verdict {
        if self.calm || self.acts_left == 0 {
            return Ok(());
        }
        let gap = self.rng.up_to_ms(self.scenario.host_gap * 4);
        self.after(gap, Happening::Chaos);
        if self.rng.chance(self.scenario.faults * 3) { self.damage() } else { self.come_too_late() }
    }

    /// Something that must change nothing, because what it is about is over.
    fn come_too_late(&mut self) -> Verdict {
        let job = self.recent_jobs.front().copied().unwrap_or(job_id(u32::MAX));
        match self.rng.below(10) {
            0 => self.feed(Input::Tick),
            1 => {
                let index = self.rng.below(self.recent_tickets.len());
                let Some(&(job, ticket)) = self.recent_tickets.get(index) else { return Ok(()) };
                // An answer that is not late must come from the hook.
                if self.model.awaits_admission(job, ticket) {
                    return Ok(());
                }
                let refuse = Admission::Refuse { reason: "too late".to_owned() };
                let answer = if self.rng.chance(500) { Admission::Proceed } else { refuse };
                self.feed(Input::Admission { job, ticket, answer })
            }
            2 => self.feed(Input::Admission { job, ticket: Ticket(u64::MAX), answer: Admission::Proceed }),
            3 => self.feed(Input::Cancel { job: job_id(u32::MAX), grace: None }),
            // Nobody who is not in quarantine can be let out of it.
            4 => self.feed(Input::Release { job }),
            5 => self.pause(),
            _ => self.ghost_speaks(),
        }
    }

    /// The host does not run for a while, and perhaps nobody else does either. What is said meanwhile lies unread, and the
    /// first thing that is noticed may be that a deadline has passed.
    pub(super) fn pause(&mut self) -> Verdict {
        let time = self.rng.up_to_ms(700);
        let until = self.now + time;
        if self.rng.chance(600) {
            let by_a_thread_of_its_own = self.rng.chance(300);
            self.others_go_on(until, by_a_thread_of_its_own)?;
        }
        self.now = until;
        // A part of it may remain unnoticed, and all of it.
        let noticed = match self.rng.below(4) {
            0 => Duration::ZERO,
            1 => time / 2,
            _ => time,
        };
        self.feed(Input::HostPaused { time: noticed })?;
        self.feed(Input::Tick)
    }

    /// What the host does by threads of its own it does also while its runtime is blocked.
    fn others_go_on(&mut self, until: Instant, host_acts: bool) -> Verdict {
        let mut waiting = Vec::new();
        while self.agenda.next_at().is_some_and(|at| at <= until) {
            let at = self.agenda.next_at().unwrap_or(until);
            let Some(happening) = self.agenda.pop() else { break };
            self.now = self.now.max(at);
            if happening.is_of_the_host() && !(host_acts && matches!(happening, Happening::Host)) {
                waiting.push(happening);
            } else {
                self.happen(happening)?;
            }
        }
        for happening in waiting {
            self.agenda.add(until, happening);
        }
        Ok(())
    }

    /// A worker that is gone, or never was.
    fn ghost_speaks(&mut self) -> Verdict {
        let index = self.rng.below(self.graves.len());
        let stranger = WorkerKey { slot: SlotId(99), generation: Generation(1) };
        let worker = self.graves.get(index).copied().unwrap_or(stranger);
        match self.rng.below(6) {
            0 => self.feed(Input::WorkerExited { worker, exit: WorkerExit::bare(ExitStatus::Unknown) }),
            1 => self.feed(Input::SpawnFailed { worker, message: "late".to_owned() }),
            2 => self.feed(Input::WorkerSpawned { worker, pid: 1 }),
            _ => {
                let said = self.processes.get(&worker).map(|process| process.said.len()).unwrap_or(0);
                let index = self.rng.below(said);
                let frame = self.processes.get(&worker).and_then(|process| process.said.get(index)).cloned();
                self.feed(Input::Frame { worker, frame: frame.unwrap_or(WorkerFrame::Hello) })
            }
        }
    }

    /// Harm to a process that lives.
    fn damage(&mut self) -> Verdict {
        let awake: Vec<WorkerKey> = self
            .processes
            .iter()
            .filter(|(_, process)| process.is_awake())
            .map(|(&worker, _)| worker)
            .collect();
        let index = self.rng.below(awake.len());
        let Some(&worker) = awake.get(index) else { return Ok(()) };
        match self.rng.below(13) {
            0..=3 => self.die(worker),
            12 => self.stop(worker),
            4 => {
                if self.rng.chance(self.scenario.undying * 3)
                    && let Some(process) = self.processes.get_mut(&worker)
                {
                    process.frozen = true;
                }
            }
            5..=6 => self.say(worker, WorkerFrame::HungUp),
            _ => {
                let frame = self.forgery(worker);
                self.say(worker, frame);
            }
        }
        Ok(())
    }

    /// A frame that this worker has said before, or could have said, or must not say.
    fn forgery(&mut self, worker: WorkerKey) -> WorkerFrame {
        let process = self.processes.get(&worker);
        let (request, job, attempt) =
            process.and_then(|process| process.job).unwrap_or((RequestId(1), job_id(1), 1));
        let said = process.and_then(|process| process.said.get(self.rng.below(process.said.len()))).cloned();
        match self.rng.below(11) {
            9 => WorkerFrame::Pong,
            10 => WorkerFrame::Output { job, attempt },
            0 => WorkerFrame::Hello,
            1 => WorkerFrame::Ready { request, loaded: vec![], failed: vec![], resident: 0 },
            2 => WorkerFrame::Started { request, job, attempt },
            3 => WorkerFrame::Chunk { job, attempt, seq: 0 },
            4 => WorkerFrame::Result { request, job, attempt, result: Ok(()), resident: 0 },
            5 => WorkerFrame::Response { request, result: Err("no".to_owned()) },
            6 => WorkerFrame::State { request: RequestId(request.0 + 1) },
            7 => WorkerFrame::Result { request, job: job_id(1), attempt, result: Ok(()), resident: 0 },
            _ => said.unwrap_or(WorkerFrame::Fault { message: "a torn frame".to_owned() }),
        }
    }
}
