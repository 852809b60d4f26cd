use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::exit::{Exit, Failure};

/// Whether somebody asked the command to stop, by Ctrl-C or SIGTERM. A second time ends the process at once; its
/// workers die with it.
#[derive(Clone)]
pub(crate) struct Interrupt(watch::Receiver<bool>);

impl Interrupt {
    pub(crate) fn listen() -> Result<Self, Failure> {
        let register = |kind| {
            signal(kind).map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))
        };
        let mut signals = [register(SignalKind::interrupt())?, register(SignalKind::terminate())?];
        let (asked, listener) = watch::channel(false);
        tokio::spawn(async move {
            any(&mut signals).await;
            asked.send_replace(true);
            any(&mut signals).await;
            std::process::exit(Exit::Cancelled.code().into());
        });
        Ok(Self(listener))
    }

    /// Returns once it was asked for, at once if it was before. Cancel safe.
    pub(crate) async fn asked(&mut self) {
        if self.0.wait_for(|asked| *asked).await.is_err() {
            // The listener is gone with its runtime: nobody can ask any more.
            std::future::pending::<()>().await;
        }
    }
}

async fn any([interrupt, terminate]: &mut [Signal; 2]) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
