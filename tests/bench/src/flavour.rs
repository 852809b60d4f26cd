use std::future::Future;

use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};

use crate::Result;

/// On which runtime the host lives, and in which of its places. A limit is measured in the same one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Flavour {
    /// A runtime of one thread, in `block_on`.
    CurrentThread,
    /// A runtime of a thread for each core, in a spawned task.
    MultiThread,
}

impl Flavour {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CurrentThread => "current_thread",
            Self::MultiThread => "multi_thread",
        }
    }

    pub(crate) fn runtime(self) -> Result<Runtime> {
        let mut builder = match self {
            Self::CurrentThread => Builder::new_current_thread(),
            Self::MultiThread => Builder::new_multi_thread(),
        };
        Ok(builder.enable_all().build()?)
    }

    /// Runs it in the place that is measured.
    pub(crate) fn run<T: Send + 'static>(
        self,
        runtime: &Runtime,
        future: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        match self {
            Self::CurrentThread => runtime.block_on(future),
            Self::MultiThread => runtime.block_on(runtime.spawn(future))?,
        }
    }
}
