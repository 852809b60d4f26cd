use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ostler::JobManager;

use crate::args::Args;
use crate::book::Ledger;
use crate::inside::Task;

/// What all actors share.
pub(crate) struct World {
    pub(crate) manager: JobManager<Task>,
    pub(crate) ledger: Ledger,
    pub(crate) args: Args,
    /// Whether orphans become children of this process.
    pub(crate) is_subreaper: bool,
    is_open: AtomicBool,
    next_number: AtomicU64,
    next_name: AtomicU64,
}

impl World {
    pub(crate) fn new(
        manager: JobManager<Task>,
        ledger: Ledger,
        args: Args,
        is_subreaper: bool,
    ) -> Arc<Self> {
        let is_open = AtomicBool::new(false);
        let (next_number, next_name) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { manager, ledger, args, is_subreaper, is_open, next_number, next_name })
    }

    /// Whether actors are to go on.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open.load(Ordering::Relaxed)
    }

    pub(crate) fn set_open(&self, is_open: bool) {
        self.is_open.store(is_open, Ordering::Relaxed);
    }

    /// The number of the next job.
    pub(crate) fn next_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// A number for somebody who is to be told apart.
    pub(crate) fn next_name(&self) -> u64 {
        self.next_name.fetch_add(1, Ordering::Relaxed)
    }
}
