//! The harness as a program of its own: tests need a host and workers that are no test harness.

use std::process::ExitCode;

fn main() -> ExitCode {
    ostler_bench::main()
}
