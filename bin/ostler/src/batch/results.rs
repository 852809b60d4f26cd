use std::io::{self, BufWriter, Write};
use std::sync::mpsc;
use std::thread;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::exit::Failure;
use crate::stdout::{Reader, judge};

/// A line of output, and what its job held.
type Output = (Vec<u8>, OwnedSemaphorePermit);

/// Writes to stdout on a thread of its own, so that a slow reader cannot keep the batch from being cancelled.
pub(super) struct Results {
    /// None once there is nothing more to come.
    outputs: Option<mpsc::Sender<Output>>,
    /// None once it was heard.
    end: Option<oneshot::Receiver<io::Result<()>>>,
}

impl Results {
    pub(super) fn to_stdout() -> Result<Self, Failure> {
        let (outputs, inbox) = mpsc::channel();
        let (done, end) = oneshot::channel();
        let write = move || {
            // Nobody may be left to hear of it.
            let _ = done.send(write_all(&inbox));
        };
        thread::Builder::new()
            .name("stdout".to_owned())
            .spawn(write)
            .map_err(|error| Failure::failed(format!("cannot start a thread: {error}")))?;
        Ok(Self { outputs: Some(outputs), end: Some(end) })
    }

    /// Hands over a line; its permit comes free when it is written.
    pub(super) fn put(&self, mut line: Vec<u8>, permit: OwnedSemaphorePermit) {
        line.push(b'\n');
        if let Some(outputs) = &self.outputs {
            // If the writer has ended, `ended` says why.
            let _ = outputs.send((line, permit));
        }
    }

    /// Returns, once, when nothing more is written: because it cannot be, or because all is. Cancel safe.
    pub(super) async fn ended(&mut self) -> Result<Reader, Failure> {
        let Some(end) = &mut self.end else { return std::future::pending().await };
        let outcome = end.await.unwrap_or_else(|_| Err(io::Error::other("the writer is gone")));
        self.end = None;
        judge(outcome)
    }

    /// Waits until all is written.
    pub(super) async fn written(mut self) -> Result<(), Failure> {
        self.outputs = None;
        if self.end.is_none() { Ok(()) } else { self.ended().await.map(drop) }
    }
}

fn write_all(inbox: &mpsc::Receiver<Output>) -> io::Result<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    // Permits go back after the flush: what is not out yet is still in memory.
    let mut held = Vec::new();
    while let Ok((line, permit)) = inbox.recv() {
        stdout.write_all(&line)?;
        held.push(permit);
        while let Ok((line, permit)) = inbox.try_recv() {
            stdout.write_all(&line)?;
            held.push(permit);
        }
        stdout.flush()?;
        held.clear();
    }
    Ok(())
}
