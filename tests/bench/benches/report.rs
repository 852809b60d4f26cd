//! The harness, as `cargo bench` starts it. What it does is in the library, so that a test can run it too.

use std::process::ExitCode;

fn main() -> ExitCode {
    ostler_bench::main()
}
