use super::Bench;
use super::bench::figure;
use crate::report::NeighbourRow;
use crate::stage::{Resident, Stage};
use crate::{Bound, Result, Row, Unit};

const MIB: f64 = 1024.0 * 1024.0;

/// W7: what a host and one idle worker have in memory, beside two processes of the standard library.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let (mut pools, mut bare) = (Vec::new(), Vec::new());
    for _ in bench.progress.rounds("pools", bench.effort.pick(10, 1)) {
        bare.push(Stage::TwoProcesses.run::<Resident>()?);
        pools.push(Stage::Pool.run::<Resident>()?);
    }
    let row = |what, part: fn(Resident) -> u64| -> Result<Row> {
        let of = |all: &[Resident]| figure(all.iter().map(|resident| part(*resident) as f64).collect());
        let row = Row::new(bench.workload, what, Unit::Bytes, of(&pools)?);
        Ok(row.beside("L7: two bare processes", of(&bare)?))
    };
    let resident = row("host and one idle worker, resident", Resident::resident)?;
    let proportional = row("the same, shared pages counted once", Resident::proportional)?;
    Ok(vec![
        resident.bound(Bound::AtMost(10.0 * MIB)).neighbours(NeighbourRow::W7),
        proportional.neighbours(NeighbourRow::W7Proportional),
    ])
}
