use std::fs;
use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::args::Args;
use crate::effort::Effort;
use crate::report::{standings, table, write_into_the_tree};
use crate::workload::Bench;
use crate::{Machine, Report, Result, limit, neighbours, stage, worker};

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

/// The whole program of workers and of the limits' children.
pub fn worker_main() -> ! {
    limit::run_if_child();
    ostler::worker::run_worker_binary(worker::register_all)
}

fn run(args: &Args) -> Result<()> {
    let machine = Machine::read();
    if machine.is_busy() {
        let _ = writeln!(
            std::io::stderr(),
            "the load is {}: with others at work the figures say little",
            machine.load
        );
    }
    let (mut rows, mut neighbours) = (Vec::new(), Vec::new());
    for workload in args.chosen() {
        let bench = Bench::new(if args.quick { Effort::Quick } else { Effort::Full }, workload);
        rows.append(&mut workload.measure(&bench)?);
        if let Some(directory) = &args.peers {
            neighbours::measure(&bench, directory, &mut neighbours)?;
        }
    }
    let report = Report { machine, rows, neighbours };
    if let Some(path) = &args.json {
        fs::write(path, serde_json::to_vec_pretty(&report)?)?;
    }
    if args.write {
        write_into_the_tree(&report)?;
    }
    writeln!(std::io::stdout(), "{}\n", report.machine)?;
    for workload in args.chosen() {
        writeln!(std::io::stdout(), "{workload}: {}\n{}", workload.title(), table(report.of(workload)))?;
    }
    write!(std::io::stdout(), "{}", standings(&report))?;
    Ok(())
}
