use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::book::Ledger;

/// How often daemons are looked for, and so how exact their times are.
const EVERY: Duration = Duration::from_millis(4);

/// Looks after daemons, on a thread of its own: the runtime may be busy.
pub(super) struct Watch {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watch {
    pub(super) fn start(ledger: Ledger) -> io::Result<Self> {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let look = move || {
            while !over.load(Ordering::Relaxed) {
                ledger.open().look();
                std::thread::sleep(EVERY);
            }
        };
        let thread = std::thread::Builder::new().name("watch".into()).spawn(look)?;
        Ok(Self { is_over, thread: Some(thread) })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // If it panicked, that was told.
            let _ = thread.join();
        }
    }
}
