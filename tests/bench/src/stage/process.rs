use std::io::Write;
use std::process::{Command, Stdio, exit};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Queued, Resident, deep_queue, host};
use crate::flavour::Flavour;
use crate::{Result, limit};

/// The first argument of a process that is a stage; what it is follows as JSON.
const MARK: &str = "stage";

/// What is measured in a process of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Stage {
    /// So many jobs are submitted while the only worker is busy. Measures [`Queued`](super::Queued).
    DeepQueue(usize),
    /// So many payloads are pushed into a channel. Measures [`Queued`](super::Queued).
    Channel(usize),
    /// A host with one idle worker. Measures [`Resident`].
    Pool,
    /// Two processes of the standard library. Measures [`Resident`].
    TwoProcesses,
    /// A host that does as it is told, for tests that look at it from outside.
    Host {
        /// How many workers it has.
        workers: u32,
        /// On which runtime it lives.
        flavour: Flavour,
    },
}

impl Stage {
    /// Measures it, and returns what its process says.
    pub(crate) fn run<T: DeserializeOwned>(self) -> Result<T> {
        let what = serde_json::to_string(&self)?;
        let output = Command::new("/proc/self/exe").args([MARK, &what]).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(format!("the process that measures {what} ended with {}", output.status).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// What its process says.
    fn measure(self) -> Result<String> {
        Ok(match self {
            Self::DeepQueue(count) => queued(deep_queue::submit(count))?,
            Self::Channel(count) => queued(limit::push(count))?,
            Self::Pool => serde_json::to_string(&Resident::of_a_pool()?)?,
            Self::TwoProcesses => serde_json::to_string(&Resident::of_two_processes()?)?,
            Self::Host { workers, flavour } => host::obey(workers, flavour)?,
        })
    }
}

/// Both are measured in a runtime, so that the clock runs for the queueing alone.
fn queued(measured: impl Future<Output = Result<Queued>>) -> Result<String> {
    let queued = Flavour::CurrentThread.runtime()?.block_on(measured)?;
    Ok(serde_json::to_string(&queued)?)
}

/// Makes this process a stage, if it was started as one; then it does not return.
pub(crate) fn run_if_stage() {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() != Some(MARK) {
        return;
    }
    let stage = serde_json::from_str(&args.next().unwrap_or_default());
    let said = stage.map_err(Into::into).and_then(Stage::measure);
    // Workers and memory end with the process: nothing is torn down, as that would take longer than the measurement.
    match said {
        Ok(said) => {
            let written = writeln!(std::io::stdout(), "{said}");
            exit(i32::from(written.is_err()))
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{MARK}: {error}");
            exit(1)
        }
    }
}
