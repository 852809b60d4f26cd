use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::exit::{Exit, Failure};

/// How often somebody asked the command to stop, by Ctrl-C or SIGTERM. Once more than the command has an answer to
/// ends the process at once; its workers die with it.
#[derive(Clone)]
pub(crate) struct Interrupt(watch::Receiver<Asked>);

#[derive(Clone, Copy, Default)]
struct Asked {
    times: u32,
    /// The latest signal's name.
    by: &'static str,
}

impl Interrupt {
    /// `answers` is how many times the command has an answer to.
    pub(crate) fn listen(answers: u32) -> Result<Self, Failure> {
        let register = |kind| {
            signal(kind).map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))
        };
        let mut signals = [register(SignalKind::interrupt())?, register(SignalKind::terminate())?];
        let (asked, listener) = watch::channel(Asked::default());
        tokio::spawn(async move {
            for times in 1..=answers {
                let by = any(&mut signals).await;
                asked.send_replace(Asked { times, by });
            }
            any(&mut signals).await;
            std::process::exit(Exit::Cancelled.code().into());
        });
        Ok(Self(listener))
    }

    /// Returns once it was asked for, at once if it was before, with the name of the signal. Cancel safe.
    pub(crate) async fn asked(&mut self) -> &'static str {
        self.asked_times(1).await
    }

    /// Returns once it was asked for so many times, as [`asked`](Self::asked) does.
    pub(crate) async fn asked_times(&mut self, times: u32) -> &'static str {
        match self.0.wait_for(|asked| asked.times >= times).await {
            Ok(asked) => asked.by,
            // The listener is gone with its runtime: nobody can ask any more.
            Err(_) => std::future::pending().await,
        }
    }
}

/// The name of the signal that comes first.
async fn any([interrupt, terminate]: &mut [Signal; 2]) -> &'static str {
    tokio::select! {
        _ = interrupt.recv() => "SIGINT",
        _ = terminate.recv() => "SIGTERM",
    }
}
