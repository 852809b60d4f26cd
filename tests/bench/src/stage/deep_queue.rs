use super::Queued;
use crate::Result;
use crate::line::Line;
use crate::pool::{self, Spin};

/// Submits so many jobs while the only worker is busy.
pub(super) async fn submit(count: usize) -> Result<Queued> {
    let manager = pool::launch(pool::config(Spin::Without)).await?;
    pool::started(&manager.start_job("hang", Line::empty()).await?).await?;
    let queued = Queued::measure(count, async |_| {
        manager.start_job("echo", Line::small()).await?;
        Ok(())
    })
    .await?;
    let waiting = manager.get_all_jobs().len() - 1;
    if waiting != count {
        return Err(format!("{waiting} jobs wait of {count}").into());
    }
    Ok(queued)
}
