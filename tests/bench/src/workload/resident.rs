use super::Bench;
use super::bench::figure;
use crate::stage::{Resident, Stage};
use crate::{Bound, Limit, Quantile, Result, Row, Unit};

const MIB: f64 = 1024.0 * 1024.0;

/// W7: what a host and one idle worker have in memory, beside two processes of the standard library.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let (mut pools, mut bare) = (Vec::new(), Vec::new());
    for _ in bench.progress.rounds("pools", bench.effort.pick(10, 1)) {
        bare.push(Stage::TwoProcesses.run::<Resident>()?);
        pools.push(Stage::Pool.run::<Resident>()?);
    }
    let row = |what: &str, part: fn(Resident) -> u64, bound| {
        let of = |all: &[Resident]| figure(all.iter().map(|resident| part(*resident) as f64).collect());
        crate::Result::Ok(Row {
            workload: bench.workload,
            what: what.into(),
            unit: Unit::Bytes,
            quantile: Quantile::P50,
            ostler: of(&pools)?,
            limit: Some(Limit { what: "L7: two bare processes".into(), figure: of(&bare)? }),
            bound,
        })
    };
    Ok(vec![
        row("host and one idle worker, resident", Resident::resident, Some(Bound::AtMost(10.0 * MIB)))?,
        row("the same, shared pages counted once", Resident::proportional, None)?,
    ])
}
