use std::time::Instant;

use ostler::WorkerConfig;

use super::Bench;
use super::bench::figure;
use crate::flavour::Flavour;
use crate::limit::Child;
use crate::pool::{self, Spin};
use crate::procfs::Memory;
use crate::{Result, Row, Unit};

/// What one round gives.
#[derive(Clone, Copy)]
struct Round {
    /// Until all are there, in nanoseconds.
    start: f64,
    /// Until all are gone.
    stop: f64,
    /// Of one of them, in bytes.
    memory: Memory,
}

/// W9: a pool of many workers that have nothing to do, beside as many processes of the standard library.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let runtime = Flavour::CurrentThread.runtime()?;
    let count = bench.effort.pick(64, 3);
    let (mut pools, mut bare) = (Vec::new(), Vec::new());
    for _ in bench.progress.rounds("pools", bench.effort.pick(10, 1)) {
        bare.push(children(count)?);
        pools.push(runtime.block_on(pool(count))?);
    }
    let row = |what: String, unit, limit: &str, part: fn(Round) -> f64| -> Result<Row> {
        let of = |rounds: &[Round]| figure(rounds.iter().map(|round| part(*round)).collect());
        Ok(Row::new(bench.workload, what, unit, of(&pools)?).beside(format!("L9: {limit}"), of(&bare)?))
    };
    let of_one = |how| format!("memory of one of {count} idle workers, {how}");
    Ok(vec![
        row(
            format!("launch of {count} workers, until all are loaded"),
            Unit::Nanoseconds,
            "spawn of as many, until the first byte of each",
            |round| round.start,
        )?,
        row(
            format!("shutdown of {count} workers"),
            Unit::Nanoseconds,
            "end of as many sockets, until all are reaped",
            |round| round.stop,
        )?,
        row(of_one("resident"), Unit::Bytes, "a bare process", |round| round.memory.resident as f64)?,
        row(of_one("shared pages counted once"), Unit::Bytes, "a bare process", |round| {
            round.memory.proportional as f64
        })?,
    ])
}

async fn pool(count: usize) -> Result<Round> {
    let begun = Instant::now();
    let config = WorkerConfig { max_workers: count as u32, ..pool::config(Spin::Without) };
    let manager = pool::launch(config).await?;
    pool::all_idle(&manager, count).await?;
    let start = begun.elapsed().as_nanos() as f64;
    let one = manager.workers().first().and_then(|worker| worker.pid).ok_or("there is no worker")?;
    let memory = Memory::of(one)?;
    let begun = Instant::now();
    manager.shutdown().await?;
    Ok(Round { start, stop: begun.elapsed().as_nanos() as f64, memory })
}

fn children(count: usize) -> Result<Round> {
    let begun = Instant::now();
    let mut children = (0..count).map(|_| Child::spawn("hello", &[])).collect::<Result<Vec<_>>>()?;
    for child in &mut children {
        child.first_byte()?;
    }
    let start = begun.elapsed().as_nanos() as f64;
    let memory = Memory::of(children.first().ok_or("there is no child")?.pid())?;
    let begun = Instant::now();
    for child in &children {
        child.hang_up()?;
    }
    for child in children {
        child.wait()?;
    }
    Ok(Round { start, stop: begun.elapsed().as_nanos() as f64, memory })
}
