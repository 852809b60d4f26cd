use std::io;
use std::sync::Arc;
use std::thread::Builder;

use crate::outbox::Outbox;

/// Starts the thread that writes what the reader thread has to say. It ends when the outbox is closed.
pub(crate) fn start(outbox: &Arc<Outbox>) -> io::Result<()> {
    let outbox = Arc::clone(outbox);
    Builder::new().name("ostler-courier".to_owned()).spawn(move || outbox.run_errands())?;
    Ok(())
}
