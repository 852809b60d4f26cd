use std::time::Instant;

use ostler::{JobEventKind, JobHandle, JobManager, WorkerConfig};

use super::sample::Sample;
use crate::Result;
use crate::line::Line;
use crate::pool::{self, BenchJobs, Spin};

/// A pool with one worker, and with or without a spare one.
pub(super) struct Pool {
    manager: JobManager<Line>,
    workers: usize,
}

impl Pool {
    /// Its plugin takes so long to load.
    pub(super) async fn launch(standby: u32, load_ms: u64) -> Result<Self> {
        let load = std::collections::BTreeMap::from([("load_ms", load_ms)]);
        let manager = JobManager::builder(BenchJobs::new()?)
            .config(WorkerConfig { standby, ..pool::config(Spin::Without) })
            .plugin_config("echo", load)
            .launch()
            .await?;
        Ok(Self { manager, workers: 1 + standby as usize })
    }

    /// A busy loop that holds so much memory is cancelled while another job waits.
    pub(super) async fn cancel(&self, mebibytes: usize) -> Result<Sample> {
        pool::all_idle(&self.manager, self.workers).await?;
        let spinning = self.manager.start_job("spin", Line(mebibytes.to_string())).await?;
        spins(&spinning).await?;
        let next = self.manager.start_job("echo", Line::small()).await?;
        let begun = Instant::now();
        let elapsed = || begun.elapsed().as_nanos() as f64;
        let cancelled = async { (spinning.cancel().await, elapsed()) };
        let answered = async { (next.output().await, elapsed()) };
        let ((cancelled, dead), (output, next)) = tokio::join!(cancelled, answered);
        output?;
        if cancelled?.is_cancelled() {
            Ok(Sample { dead, next })
        } else {
            Err("a busy loop ended before its cancel".into())
        }
    }

    pub(super) async fn shut_down(self) -> Result<()> {
        Ok(self.manager.shutdown().await?)
    }
}

/// Waits until the job says that it spins.
async fn spins(job: &JobHandle<Line>) -> Result<()> {
    let mut events = job.events();
    while let Some(event) = events.next().await {
        if matches!(event?.kind, JobEventKind::Progress { .. }) {
            return Ok(());
        }
    }
    Err("a busy loop ended by itself".into())
}
