use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::line::PAYLOAD;
use crate::{Result, procfs};

/// What it costs to queue one of many.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Queued {
    /// Nanoseconds for one, each measured over [`BATCH`](Self::BATCH).
    pub(crate) nanos: Vec<f64>,
    /// Resident bytes for one, beside its payload.
    pub(crate) bytes: f64,
}

impl Queued {
    /// So many are queued between two looks at the clock.
    const BATCH: usize = 1000;

    /// Queues so many, each by its number.
    pub(crate) async fn measure(
        count: usize,
        mut queue: impl AsyncFnMut(usize) -> Result<()>,
    ) -> Result<Self> {
        let before = procfs::own_memory()?;
        let mut nanos = Vec::with_capacity(count.div_ceil(Self::BATCH));
        for batch in (0..count).step_by(Self::BATCH) {
            let numbers = batch..(batch + Self::BATCH).min(count);
            let (size, begun) = (numbers.len(), Instant::now());
            for number in numbers {
                queue(number).await?;
            }
            nanos.push(begun.elapsed().as_nanos() as f64 / size as f64);
        }
        let grown = procfs::own_memory()?.saturating_sub(before);
        Ok(Self { nanos, bytes: grown as f64 / count as f64 - PAYLOAD as f64 })
    }
}
