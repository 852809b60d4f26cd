//! The harness still runs, and measures everything. How long things take is not judged here.

#![expect(clippy::unwrap_used)]

use std::process::Command;

use ostler_bench::{Figure, Report, Workload};

#[test]
fn every_workload_gives_figures() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut harness = Command::new(env!("CARGO_BIN_EXE_ostler-bench"));
    let output = harness.args(["--quick", "--json"]).arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Report = serde_json::from_slice(&std::fs::read(file.path()).unwrap()).unwrap();
    let table = String::from_utf8(output.stdout).unwrap();
    for workload in Workload::ALL {
        assert!(report.rows.iter().any(|row| row.workload == workload), "nothing came of {workload}");
    }
    for row in &report.rows {
        assert!(table.contains(&row.name()), "the table has no row for {row:?}");
        assert!(
            is_sound(&row.ostler) && row.limit.as_ref().is_none_or(|limit| is_sound(&limit.figure)),
            "{row:?}"
        );
        assert!(row.bound.is_none() || row.holds().is_some(), "nobody can tell whether it holds: {row:?}");
    }
}

/// Whether it can have been measured.
fn is_sound(figure: &Figure) -> bool {
    figure.n > 0 && [figure.p50, figure.p99].iter().all(|value| value.is_finite() && *value > 0.0)
}
