use std::time::Instant;

use ostler::{JobManager, WorkerConfig};

use super::Bench;
use super::bench::figure_of_rates;
use crate::flavour::Flavour;
use crate::limit::{Child, jobs_per_second};
use crate::line::Line;
use crate::pool::{self, Spin};
use crate::report::NeighbourRow;
use crate::{Bound, Result, Row, Unit};

/// What the fastest of the neighbours reached that run jobs, and not only bytes: ten times that is asked for.
const BEST_NEIGHBOUR: f64 = 19_752.0;

/// W2: so many small jobs, all started before any is awaited, beside L2.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for workers in [1, 2] {
        for flavour in [Flavour::CurrentThread, Flavour::MultiThread] {
            rows.append(&mut with(workers, flavour, bench)?);
        }
    }
    Ok(rows)
}

fn with(workers: u32, flavour: Flavour, bench: &Bench) -> Result<Vec<Row>> {
    let runtime = flavour.runtime()?;
    let mut managers = Vec::new();
    for spin in Spin::BOTH {
        let config = WorkerConfig { max_workers: workers, ..pool::config(spin) };
        managers.push((spin, runtime.block_on(pool::launch(config))?, Vec::new()));
    }
    let children = (0..workers).map(|_| Child::spawn("pipeline", &[])).collect::<Result<Vec<_>>>()?;
    let mut bare = Vec::new();
    let count = bench.effort.pick(20_000, 200);
    let what = if workers == 1 { "1 worker" } else { "2 workers" };
    let shown = format!("{what}, {}", flavour.name());
    for _ in bench.progress.rounds(shown, bench.effort.pick(5, 2)) {
        bare.push(jobs_per_second(&children, count)?);
        for (_, manager, rates) in &mut managers {
            rates.push(flavour.run(&runtime, all_at_once(manager.clone(), count))?);
        }
    }
    let bare = figure_of_rates(bare)?;
    let mut rows = Vec::new();
    for (spin, manager, rates) in managers {
        runtime.block_on(manager.shutdown())?;
        let row = Row::new(bench.workload, what, Unit::JobsPerSecond, figure_of_rates(rates)?)
            .variant(format!("{}, {}", flavour.name(), spin.name()))
            .beside(format!("L2: one bare write a job, {what}"), bare)
            .neighbours(if workers == 1 { NeighbourRow::W2One } else { NeighbourRow::W2Two });
        rows.push(row.clone().bound(Bound::AtLeast(10.0 * BEST_NEIGHBOUR)));
        rows.push(row.bound(Bound::AtLeastTimes(0.25)));
    }
    Ok(rows)
}

/// Jobs per second, from the first start to the last answer.
async fn all_at_once(manager: JobManager<Line>, count: usize) -> Result<f64> {
    let begun = Instant::now();
    let mut jobs = Vec::with_capacity(count);
    for _ in 0..count {
        jobs.push(manager.start_job("echo", Line::small()).await?);
    }
    for job in &jobs {
        job.output().await?;
    }
    Ok(count as f64 / begun.elapsed().as_secs_f64())
}
