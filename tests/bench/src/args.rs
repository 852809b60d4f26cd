use std::path::PathBuf;

use clap::Parser;

use crate::Workload;

/// Measures Ostler beside the limits of this machine, by turns in one run, and says what holds and what does not.
///
/// Without names of workloads it measures them all, in some minutes. Nothing else should run meanwhile.
#[derive(Parser, Clone, Debug)]
#[command(name = "report", max_term_width = 100)]
#[command(after_help = "Examples:
  cargo bench -p ostler-bench --bench report                      all, on the screen
  cargo bench -p ostler-bench --bench report -- w1 w3             two of them
  cargo bench -p ostler-bench --bench report -- --write           all, into BENCHMARKS.md and docs/bench/
  cargo bench -p ostler-bench --bench report -- w4 --peers ~/peers    one, and the neighbours beside it
  cargo bench -p ostler-bench --bench report -- --quick           each only a few times: does it still run?
  cargo bench -p ostler-bench --bench pieces                      encode, decode, one step of the rules")]
pub(crate) struct Args {
    /// What to measure; all if none is named
    #[arg(value_enum, ignore_case = true)]
    pub(crate) workloads: Vec<Workload>,

    /// Measure each only a few times; the figures mean nothing
    #[arg(long)]
    pub(crate) quick: bool,

    /// Write tables and plots into BENCHMARKS.md and docs/bench/ of the source tree
    #[arg(long, conflicts_with_all = ["quick", "workloads"])]
    pub(crate) write: bool,

    /// Measure the neighbours too, each workload after Ostler's, some minutes more; they are installed into this directory,
    /// outside of the source tree, and stay there
    #[arg(long, value_name = "DIR")]
    pub(crate) peers: Option<PathBuf>,

    /// Write the figures as JSON into this file
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// What cargo says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

impl Args {
    /// What to measure, in order, each once.
    pub(crate) fn chosen(&self) -> Vec<Workload> {
        let named = |workload: &Workload| self.workloads.is_empty() || self.workloads.contains(workload);
        Workload::ALL.into_iter().filter(named).collect()
    }
}
