use std::fs;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::effort::Effort;
use crate::report::table;
use crate::workload::Bench;
use crate::{Machine, Report, Result, limit, stage, worker};

/// The whole program: the harness, and whatever it starts itself as.
pub fn main() -> ExitCode {
    limit::run_if_child();
    ostler::worker::run_if_worker(worker::register_all);
    stage::run_if_stage();
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "report: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<()> {
    let machine = Machine::read();
    let mut rows = Vec::new();
    for workload in args.chosen() {
        let bench = Bench::new(if args.quick { Effort::Quick } else { Effort::Full }, workload);
        rows.append(&mut workload.measure(&bench)?);
    }
    let report = Report { machine, rows };
    if let Some(path) = &args.json {
        fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    writeln!(std::io::stdout(), "{}", table(&report.rows))?;
    Ok(())
}
