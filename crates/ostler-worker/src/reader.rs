use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::Sender;
use std::thread::Builder;
use std::time::Instant;

use bytes::BytesMut;
use ostler_wire::{Execute, FromWorker, Init, ToWorker, frame};

use crate::ServeError;
use crate::outbox::Until;
use crate::shared::Shared;

/// One read takes up to this many bytes.
const READ_BYTES: usize = 128 * 1024;

/// What the reader thread leaves to the main thread.
pub(crate) enum Command {
    Init(Init),
    Execute(Accepted),
    Reload {
        request: u64,
        plugin: String,
        config: String,
    },
    Unload {
        request: u64,
        plugin: String,
    },
    Stop {
        request: u64,
    },
    /// The connection has ended, and why.
    Ended(ServeError),
}

/// A job that has come: when it came, and the flag that a cancel sets.
pub(crate) struct Accepted {
    pub(crate) execute: Execute,
    pub(crate) received: Instant,
    pub(crate) cancelled: Arc<AtomicBool>,
}

/// Starts the thread that reads. It answers by itself what must be answered while a plugin computes.
pub(crate) fn start(
    source: impl Read + Send + 'static,
    shared: Arc<Shared>,
    commands: Sender<Command>,
    on_hang_up: Box<dyn FnOnce() + Send>,
) -> io::Result<()> {
    let read = move || {
        let reason = read_all(source, &shared, &commands);
        shared.cancel_any();
        if !shared.is_stopped() {
            if let ServeError::Frame(error) = &reason {
                // The host is there and speaks nonsense: it may want to know.
                let message = format!("the worker cannot read on: {error}");
                let _ = shared.outbox.send(&[&FromWorker::Error { message }], Until::Written);
            }
            on_hang_up();
        }
        shared.outbox.close(&reason.to_string());
        // The main thread may be gone already.
        let _ = commands.send(Command::Ended(reason));
    };
    Builder::new().name("ostler-reader".to_owned()).spawn(read)?;
    Ok(())
}

/// Reads until the connection ends.
fn read_all(mut source: impl Read, shared: &Shared, commands: &Sender<Command>) -> ServeError {
    let mut chunk = vec![0; READ_BYTES];
    let mut buffer = BytesMut::new();
    loop {
        loop {
            match frame::decode(&mut buffer, shared.outbox.limit()) {
                Ok(Some(message)) => dispatch(message, shared, commands),
                Ok(None) => break,
                Err(error) => return ServeError::Frame(error),
            }
        }
        match source.read(&mut chunk) {
            Ok(0) => return frame::finish(&buffer).map_or_else(ServeError::Frame, |()| ServeError::HungUp),
            Ok(count) => buffer.extend_from_slice(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return ServeError::Read(error),
        }
    }
}

fn dispatch(message: ToWorker, shared: &Shared, commands: &Sender<Command>) {
    let command = match message {
        ToWorker::Ping { request } => return answer(shared, &FromWorker::Pong { request }),
        ToWorker::GetState { request } => {
            return answer(shared, &FromWorker::State { request, state: shared.report() });
        }
        ToWorker::Cancel { request, job } => {
            return answer(shared, &FromWorker::Response { request, result: shared.cancel(job) });
        }
        ToWorker::Init(init) => {
            // Set here and not later: the next frame is read before the main thread sees this one.
            let limit = usize::try_from(init.max_frame_bytes).unwrap_or(usize::MAX);
            shared.outbox.set_limit(limit);
            Command::Init(init)
        }
        ToWorker::Execute(execute) => {
            let cancelled = shared.accept(execute.job);
            Command::Execute(Accepted { execute, received: Instant::now(), cancelled })
        }
        ToWorker::Reload { request, plugin, config } => Command::Reload { request, plugin, config },
        ToWorker::Unload { request, plugin } => Command::Unload { request, plugin },
        ToWorker::Stop { request } => Command::Stop { request },
    };
    // The main thread is only gone once the worker ends.
    let _ = commands.send(command);
}

fn answer(shared: &Shared, message: &FromWorker) {
    // If it cannot be sent the host is gone, and the next read says so.
    let _ = shared.outbox.post(message);
}
