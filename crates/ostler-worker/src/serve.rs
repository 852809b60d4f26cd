use std::io::{self, Read, Write};
use std::sync::Arc;

use ostler_wire::{FEATURE_RING, FEATURE_SHARED_MEMORY, FrameError, FromWorker, Hello, PROTOCOL};
use thiserror::Error;

use crate::deputy::Deputy;
use crate::inlet::Inlet;
use crate::outbox::{Outbox, SendError, Until};
use crate::reader::{Command, Reader};
use crate::session::Session;
use crate::shared::Shared;
use crate::sink::{PlainSink, Sink};
use crate::source::{PlainSource, Source};
use crate::{PluginManager, guard};

/// Why [`serve`] ended before it was told to stop.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The host closed the connection, or died.
    #[error("the host closed the connection")]
    HungUp,
    /// The connection could not be read.
    #[error("cannot read from the host")]
    Read(#[source] io::Error),
    /// The host sent something that is not a frame, or the connection ended within one.
    #[error("cannot understand the host")]
    Frame(#[source] FrameError),
    /// The host sent a message that has no place here.
    #[error("the host sent {what}")]
    Unexpected {
        /// What it sent, and when.
        what: String,
    },
    /// Nothing can be sent to the host any more.
    #[error("cannot write to the host: {reason}")]
    Write {
        /// What the system said.
        reason: String,
    },
    /// A thread could not be started.
    #[error("cannot start the worker's threads")]
    Thread(#[source] io::Error),
}

/// What [`serve`] needs besides its two ends.
pub struct ServeOptions {
    /// The one-time token for [`Hello`].
    pub token: [u8; 16],
    /// Called when the connection fails, unless its end was expected after a `Stop`: by each thread that notices it, and
    /// before [`serve`] returns. A worker process ends itself and its group here.
    pub on_hang_up: Arc<dyn Fn() + Send + Sync>,
}

impl Default for ServeOptions {
    /// A token of zeros, and nothing to do at hang-up.
    fn default() -> Self {
        Self { token: [0; 16], on_hang_up: Arc::new(|| {}) }
    }
}

/// Serves one host over two ends of a connection, until it says `Stop`: says `Hello`, loads plugins, runs
/// jobs. Plugins run on the calling thread; others are started, which read and answer while it is busy. Over these
/// ends no memory is shared: all payloads are in their frames.
///
/// # Errors
/// [`ServeError`] if the connection ended in another way. Plugins may be loaded still.
pub fn serve(
    reader: impl Read + Send + 'static,
    writer: impl Write + Send + 'static,
    plugins: &mut dyn PluginManager,
    options: ServeOptions,
) -> Result<(), ServeError> {
    serve_over(Box::new(PlainSource(reader)), PlainSink(writer), plugins, options)
}

/// The same, over ends that can do more.
pub(crate) fn serve_over(
    source: Box<dyn Source>,
    sink: impl Sink + 'static,
    plugins: &mut dyn PluginManager,
    options: ServeOptions,
) -> Result<(), ServeError> {
    guard::install();
    let shared = Arc::new(Shared::new(Outbox::new(sink)));
    let features = if source.brings_descriptors() { FEATURE_SHARED_MEMORY | FEATURE_RING } else { 0 };
    let hello = Hello { protocol: PROTOCOL, pid: std::process::id(), token: options.token, features };
    if let Err(error) = shared.outbox.send(&[&FromWorker::Hello(hello)], Until::Written) {
        (options.on_hang_up)();
        return Err(error.into());
    }

    let reader = Reader::new(Inlet::new(source), Arc::clone(&shared), Arc::clone(&options.on_hang_up));
    let deputy = Deputy::start(reader).map_err(ServeError::Thread)?;
    let outcome = carry_out(&deputy, Session::new(plugins, Arc::clone(&shared)));
    // Before anything is closed here: a plugin may have closed it.
    if let Err(ServeError::Write { .. }) = outcome {
        (options.on_hang_up)();
    }
    shared.outbox.close("the worker has ended");
    outcome
}

/// Does what the host commands, until it says `Stop`.
fn carry_out(deputy: &Deputy, mut session: Session<'_>) -> Result<(), ServeError> {
    loop {
        match deputy.next() {
            Command::Stop { request } => return session.stop(request),
            Command::Init(init) => session.init(init)?,
            Command::Execute(accepted) => session.execute(accepted)?,
            Command::Reload { request, plugin, config } => session.reload(request, &plugin, &config)?,
            Command::Unload { request, plugin } => session.unload(request, &plugin)?,
            Command::Ended(reason) => return Err(reason),
        }
    }
}

impl From<SendError> for ServeError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Frame(error) => Self::Frame(error),
            SendError::Closed { reason } => Self::Write { reason },
        }
    }
}
