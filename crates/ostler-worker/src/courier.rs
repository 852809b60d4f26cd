use std::io;
use std::sync::Arc;
use std::thread::Builder;

use ostler_wire::FromWorker;

use crate::outbox::Outbox;

/// Writes what whoever reads has to say, and must not get stuck in a full socket for. Its thread starts with the first
/// word: most workers never need it.
pub(crate) struct Courier {
    outbox: Arc<Outbox>,
    is_started: bool,
}

impl Courier {
    pub(crate) fn new(outbox: Arc<Outbox>) -> Self {
        Self { outbox, is_started: false }
    }

    /// Sends a message without ever waiting for the socket. If it cannot be sent the host is gone, and the next read says
    /// so.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub(crate) fn send(&mut self, message: &FromWorker) -> io::Result<()> {
        // Before the thread is started: what is said after this comes after it.
        let _ = self.outbox.post(message);
        if !self.is_started {
            let outbox = Arc::clone(&self.outbox);
            // It ends when the outbox is closed.
            Builder::new().name("ostler-courier".to_owned()).spawn(move || outbox.run_errands())?;
            self.is_started = true;
        }
        Ok(())
    }
}
