use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ostler::{EventBroadcaster, JobId, ResourceManager, WorkerPhase, WorkerState};
use serde_json::Value;

use super::assassin;
use super::hand::strike;
use crate::book::{Check, Ledger, is_of_few_files, was_asked_for};
use crate::dice::Dice;
use crate::outside::socket_of;

/// Is told everything by the manager, in order; and strikes workers in the moment in which they have changed.
#[derive(Clone)]
pub(crate) struct Herald(Arc<Inner>);

struct Inner {
    ledger: Ledger,
    dice: Mutex<Dice>,
    strikes: AtomicBool,
    /// What each worker does, by its process.
    phases: Mutex<HashMap<u32, WorkerPhase>>,
}

impl Herald {
    pub(crate) fn new(ledger: Ledger, dice: Dice) -> Self {
        let (dice, phases) = (Mutex::new(dice), Mutex::default());
        Self(Arc::new(Inner { ledger, dice, strikes: AtomicBool::new(false), phases }))
    }

    /// Whether it strikes from now on.
    pub(crate) fn set_strikes(&self, strikes: bool) {
        self.0.strikes.store(strikes, Ordering::Relaxed);
    }

    fn entered(&self, worker: &WorkerState) {
        let Some(pid) = worker.pid else { return };
        self.0.phases.lock().unwrap_or_else(PoisonError::into_inner).insert(pid, worker.phase);
        let how = {
            let mut dice = self.0.dice.lock().unwrap_or_else(PoisonError::into_inner);
            // Thrice as often while it becomes a worker: there are many more jobs than workers.
            let chance =
                if matches!(worker.phase, WorkerPhase::Starting | WorkerPhase::Loading) { 6 } else { 1 };
            let strikes = dice.percent(chance) && self.0.strikes.load(Ordering::Relaxed);
            strikes.then(|| assassin::draw(&mut dice))
        };
        if let Some(how) = how {
            strike(&self.0.ledger, pid, &worker.phase.to_string(), how);
        }
    }

    fn gone(&self, data: &Value) {
        let worker = &data["worker"];
        let pid = worker["pid"].as_u64().and_then(|pid| u32::try_from(pid).ok());
        let cause = data["cause"].as_str().unwrap_or_default();
        // Behind it are the worker's own words.
        let cause = cause.split_once("; the last line of its stderr: ").map_or(cause, |(cause, _)| cause);
        let (phase, is_other_idle) = {
            let mut phases = self.0.phases.lock().unwrap_or_else(PoisonError::into_inner);
            let phase = pid.and_then(|pid| phases.remove(&pid));
            (phase, phases.values().any(|phase| *phase == WorkerPhase::Idle))
        };
        let mut book = self.0.ledger.open();
        let phase = phase.map_or_else(|| "not there".to_owned(), |phase| phase.to_string());
        if phase == WorkerPhase::Busy.to_string() {
            book.figures.busy_deaths += 1;
            book.figures.takeovers += u64::from(is_other_idle);
        }
        book.figures.worker_ended(cause, &phase);
        match pid {
            Some(pid) => book.worker_ended(pid, cause),
            // It was ended before it was made.
            None => {
                let lacked = is_of_few_files(cause) && book.lacks_files();
                let holds = cause.contains("before it was made") || was_asked_for(cause) || lacked;
                book.figures.failed_starts += u64::from(lacked);
                book.faults.note(Check::Cause, holds, || format!("a worker without a process {cause}"));
            }
        }
    }
}

impl EventBroadcaster for Herald {
    fn broadcast(&self, event_type: &str, data: Value) {
        match event_type.split_once(':').map_or("", |(_, what)| what) {
            "completed" | "failed" | "cancelled" => {
                let job = serde_json::from_value::<JobId>(data["job_id"].clone());
                if let Ok(job) = job {
                    self.0.ledger.open().told_of_end(job);
                }
            }
            "worker_gone" => self.gone(&data),
            state @ ("down" | "degraded") => {
                self.0.ledger.open().pool_lacks(state == "down", &data["reason"].to_string());
            }
            _ => {}
        }
    }
}

impl ResourceManager for Herald {
    fn register_worker(&self, worker: &WorkerState) {
        {
            let socket = worker.pid.and_then(socket_of);
            let mut book = self.0.ledger.open();
            if let Some(pid) = worker.pid {
                book.worker_came(pid);
            }
            book.sockets.extend(socket);
        }
        self.entered(worker);
    }

    fn update_worker_state(&self, worker: &WorkerState) {
        self.entered(worker);
    }

    fn unregister_worker(&self, _: &WorkerState) {}
}
