//! Half a minute of the torture. `cargo run --release -p ostler-tests --bin torture -- --help` tells how to have more.

#![expect(clippy::print_stdout, reason = "a test that fails shows what it printed")]

use std::process::Command;

#[test]
fn the_torture_finds_no_fault() -> std::io::Result<()> {
    let mut torture = Command::new(env!("CARGO_BIN_EXE_torture"));
    // It makes up a seed, and its summary says which. Beside a process that spins it does not judge how soon something is
    // done, which a test cannot know of the machine that it runs on; a run by hand does.
    let output = torture.args(["--seconds", "30", "--busy", "1", "--quiet"]).output()?;
    println!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the torture ended with {}; what it found is above", output.status);
    Ok(())
}
