use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use ostler_lifecycle::JobId;

use super::EventLog;

/// What the logs of all ended jobs of a manager may weigh together, in bytes. A log weighs up to 10 MiB, and a thousand
/// ended jobs are remembered; most are small, and the rest must not make a host large that only runs for long.
const BYTES_KEPT: usize = 64 * 1024 * 1024;

/// The logs of jobs that have ended, bounded; the oldest go first. It has no lock.
#[derive(Debug)]
pub(crate) struct Archive {
    logs: HashMap<JobId, Entry>,
    /// In the order in which they ended; one that was forgotten may still be named.
    order: VecDeque<JobId>,
    bytes: usize,
    most_bytes: usize,
}

#[derive(Debug)]
struct Entry {
    log: Arc<EventLog>,
    weight: usize,
}

impl Default for Archive {
    fn default() -> Self {
        Self::new(BYTES_KEPT)
    }
}

impl Archive {
    fn new(most_bytes: usize) -> Self {
        Self { logs: HashMap::new(), order: VecDeque::new(), bytes: 0, most_bytes }
    }

    /// Adds the log of a job that has just ended. Returns those that had to go, to be dropped without a lock; it may be
    /// among them.
    #[must_use = "drop it after the lock"]
    pub(crate) fn keep(&mut self, job: JobId, log: Arc<EventLog>) -> Vec<Arc<EventLog>> {
        let weight = log.weight();
        self.bytes += weight;
        self.logs.insert(job, Entry { log, weight });
        self.order.push_back(job);
        self.make_room()
    }

    /// Something was added to the log of a job that ended before. Returns those that had to go for it.
    #[must_use = "drop it after the lock"]
    pub(crate) fn weigh_again(&mut self, job: JobId) -> Vec<Arc<EventLog>> {
        let Some(entry) = self.logs.get_mut(&job) else { return Vec::new() };
        let weight = entry.log.weight();
        self.bytes = self.bytes - entry.weight + weight;
        entry.weight = weight;
        self.make_room()
    }

    fn make_room(&mut self) -> Vec<Arc<EventLog>> {
        let mut gone = Vec::new();
        while self.bytes > self.most_bytes
            && let Some(oldest) = self.order.pop_front()
        {
            gone.extend(self.take(oldest));
        }
        gone
    }

    pub(crate) fn get(&self, job: JobId) -> Option<&Arc<EventLog>> {
        self.logs.get(&job).map(|entry| &entry.log)
    }

    /// Takes out the log of a job that is not remembered any more.
    #[must_use = "drop it after the lock"]
    pub(crate) fn forget(&mut self, job: JobId) -> Option<Arc<EventLog>> {
        let log = self.take(job);
        // Jobs are forgotten in the order in which they ended.
        while self.order.front().is_some_and(|oldest| !self.logs.contains_key(oldest)) {
            self.order.pop_front();
        }
        log
    }

    fn take(&mut self, job: JobId) -> Option<Arc<EventLog>> {
        let Entry { log, weight } = self.logs.remove(&job)?;
        self.bytes -= weight;
        Some(log)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use jiff::Timestamp;
    use ostler_wire::Payload;

    use super::*;
    use crate::JobEventKind;

    fn job(number: u128) -> JobId {
        JobId::from_uuid(uuid::Uuid::from_u128(number))
    }

    fn log(bytes: usize) -> Arc<EventLog> {
        let log = Arc::new(EventLog::default());
        let payload = Payload::raw(vec![0; bytes]);
        log.push(Timestamp::UNIX_EPOCH, JobEventKind::Chunk { seq: 0, is_final: false, payload });
        log.close();
        log
    }

    #[test]
    fn the_oldest_logs_go_when_all_weigh_too_much() {
        let mut archive = Archive::new(1_000_000);
        let jobs = [1, 2, 3].map(job);
        assert!(archive.keep(jobs[0], log(400_000)).is_empty());
        assert!(archive.keep(jobs[1], log(400_000)).is_empty());
        assert_eq!(archive.keep(jobs[2], log(400_000)).len(), 1);
        assert_eq!(jobs.map(|job| archive.get(job).is_some()), [false, true, true]);
        assert_eq!(archive.keep(job(4), log(2_000_000)).len(), 3, "one that is too large goes itself");
        assert_eq!((archive.logs.len(), archive.order.len(), archive.bytes), (0, 0, 0));
    }

    #[test]
    fn what_is_added_after_the_end_counts_too() {
        let mut archive = Archive::new(1_000_000);
        let jobs = [1, 2].map(job);
        assert!(archive.keep(jobs[0], log(400_000)).is_empty());
        assert!(archive.keep(jobs[1], log(400_000)).is_empty());
        let note = JobEventKind::Metadata { name: "preview".into(), value: "x".repeat(400_000).into() };
        archive.get(jobs[1]).unwrap().push(Timestamp::UNIX_EPOCH, note);
        assert_eq!(archive.weigh_again(jobs[1]).len(), 1);
        assert_eq!(jobs.map(|job| archive.get(job).is_some()), [false, true]);
        assert_eq!(archive.weigh_again(jobs[0]).len(), 0, "it is not known any more");
    }

    #[test]
    fn what_is_forgotten_makes_room() {
        let mut archive = Archive::new(1_000_000);
        let (first, second) = (job(1), job(2));
        assert!(archive.keep(first, log(900_000)).is_empty());
        archive.forget(first).unwrap();
        assert!(archive.forget(first).is_none());
        assert!(archive.keep(second, log(900_000)).is_empty());
        assert!(archive.get(first).is_none() && archive.get(second).is_some());
        assert_eq!(archive.order.len(), 1);
    }
}
