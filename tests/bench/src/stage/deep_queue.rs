use super::Queued;
use crate::Result;
use crate::line::Line;
use crate::pool::{self, Spin};

/// Submits so many jobs while the only worker is busy.
pub(super) fn submit(count: usize) -> Result<Queued> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let manager = runtime.block_on(async {
        let manager = pool::launch(pool::config(Spin::Without)).await?;
        pool::started(&manager.start_job("hang", Line::empty()).await?).await?;
        crate::Result::Ok(manager)
    })?;
    let queued = Queued::measure(count, |_| {
        runtime.block_on(async {
            manager.start_job("echo", Line::small()).await?;
            Ok(())
        })
    })?;
    let waiting = manager.get_all_jobs().len() - 1;
    if waiting != count {
        return Err(format!("{waiting} jobs wait of {count}").into());
    }
    Ok(queued)
}
