//! What somebody sees at a terminal.

use std::fs::File;
use std::io::Read;
use std::process::Stdio;

use nix::pty::openpty;

use crate::host::{Host, PATIENCE, command};

/// Runs with a terminal as its stderr; returns the exit code and what the terminal showed.
fn at_a_terminal(args: &[&str], input: Stdio) -> (Option<i32>, String) {
    let terminal = openpty(None, None).unwrap();
    let mut command = command(args);
    command.stdin(input).stderr(terminal.slave).env("TERM", "xterm").env_remove("NO_COLOR");
    let mut host = Host::start(command);
    let mut shown = Vec::new();
    let mut master = File::from(terminal.master);
    let mut buffer = [0; 4096];
    // Ends with an error, which is what the last hang-up of a terminal looks like.
    while let Ok(read @ 1..) = master.read(&mut buffer) {
        shown.extend_from_slice(&buffer[..read]);
    }
    (host.exit_code(PATIENCE), String::from_utf8(shown).unwrap())
}

#[test]
fn chunks_and_progress_are_shown_in_order() {
    let args = ["run", "slow_processor", "-p", "text=one two three", "-p", "seconds=0.6"];
    let (code, shown) = at_a_terminal(&args, Stdio::null());
    assert_eq!(code, Some(0), "{shown}");
    let place = |text: &str| shown.find(text).unwrap_or_else(|| panic!("no {text:?} in {shown}"));
    assert!(place("ONE\r\n") < place("TWO\r\n"));
    assert!(place("TWO\r\n") < place("THREE\r\n"));
    assert!(place("1 of 3 words") < place("2 of 3 words"));
    assert!(shown.contains("33%"), "{shown}");
}

#[test]
fn a_batch_sums_up() {
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, b"{\"text\": \"a\"}\nbad\n{\"text\": \"b\"}\n").unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let (code, shown) = at_a_terminal(&["batch", "uppercase"], file.into());
    assert_eq!(code, Some(1));
    assert!(shown.contains("2 completed, 1 failed, in "), "{shown}");
}
