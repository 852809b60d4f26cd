use std::path::Path;

use ostler::{JobError, JobManager};
use tempfile::NamedTempFile;

use super::Bench;
use super::bench::figure;
use crate::flavour::Flavour;
use crate::limit::Child;
use crate::line::Line;
use crate::pool::{self, Spin};
use crate::process::read_stamp;
use crate::report::NeighbourRow;
use crate::{Bound, Result, Row, Unit, clock};

/// How many jobs wait behind the one that dies. All of them must be answered.
const BEHIND: usize = 20;

/// W6: a worker kills itself; from there until the caller has the error, beside the bare end of file.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let runtime = Flavour::CurrentThread.runtime()?;
    let manager = runtime.block_on(pool::launch(pool::config(Spin::Without)))?;
    let stamp = NamedTempFile::new()?;
    let (mut errors, mut ends) = (Vec::new(), Vec::new());
    for _ in bench.progress.rounds("crashes", bench.effort.pick(100, 3)) {
        ends.push(until_end_of_file(stamp.path())?);
        errors.push(runtime.block_on(until_error(&manager, stamp.path()))?);
    }
    runtime.block_on(manager.shutdown())?;
    let what =
        format!("SIGKILL of the worker until the caller has the error, {BEHIND} jobs behind it unhurt");
    let row = Row::new(bench.workload, what, Unit::Nanoseconds, figure(errors)?);
    let row = row.beside("L6: SIGKILL until the end of file", figure(ends)?).bound(Bound::AtMostTimes(4.0));
    Ok(vec![row.neighbours(NeighbourRow::W6)])
}

fn until_end_of_file(stamp: &Path) -> Result<f64> {
    let path = stamp.to_str().ok_or("the temporary directory's name is no text")?;
    let mut child = Child::spawn("die", &[path])?;
    std::io::Write::write_all(&mut child.socket, &[1])?;
    child.end_of_file()?;
    let now = clock::nanoseconds();
    Ok((now - read_stamp(stamp)?) as f64)
}

async fn until_error(manager: &JobManager<Line>, stamp: &Path) -> Result<f64> {
    let path = stamp.to_str().ok_or("the temporary directory's name is no text")?;
    let dying = manager.start_job("killer", Line(path.to_owned())).await?;
    let mut behind = Vec::new();
    for _ in 0..BEHIND {
        behind.push(manager.start_job("echo", Line::small()).await?);
    }
    let output = dying.output().await;
    let now = clock::nanoseconds();
    if !matches!(output, Err(JobError::Failed(_))) {
        return Err("a job that killed its worker did not fail".into());
    }
    for job in &behind {
        job.output().await?;
    }
    Ok((now - read_stamp(stamp)?) as f64)
}
