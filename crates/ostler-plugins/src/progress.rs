use std::time::{Duration, Instant};

use ostler_worker::JobContext;

const PAUSE: Duration = Duration::from_millis(100);
const MIB: u64 = 1024 * 1024;

/// Tells how many bytes were read, and not more often than a person can see.
pub(crate) struct ByteProgress<'a> {
    job: &'a JobContext,
    /// 0 if it is not known.
    total: u64,
    told: Option<Instant>,
}

impl<'a> ByteProgress<'a> {
    pub(crate) const fn new(job: &'a JobContext, total: u64) -> Self {
        Self { job, total, told: None }
    }

    pub(crate) fn at(&mut self, done: u64) {
        if self.told.is_some_and(|told| told.elapsed() < PAUSE) {
            return;
        }
        self.told = Some(Instant::now());
        let (mib, total) = (done / MIB, self.total.div_ceil(MIB));
        if self.total == 0 {
            return self.job.progress(0.0, format!("{mib} MiB read"));
        }
        let fraction = done as f64 / self.total as f64;
        self.job.progress(fraction, format!("{mib} of {total} MiB"));
    }
}
