//! What somebody sees at a terminal.

use std::fs::File;
use std::io::{Read, Write};
use std::process::Stdio;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::Signal;

use crate::host::{Fifo, Host, PATIENCE, command};

/// A command with a terminal as its stderr.
struct Watched {
    host: Host,
    master: File,
}

impl Watched {
    fn start(args: &[&str], input: Stdio, columns: u16) -> Self {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let terminal = openpty(&size, None).unwrap();
        let mut command = command(args);
        command.stdin(input).stderr(terminal.slave).env("TERM", "xterm").env_remove("NO_COLOR");
        Self { host: Host::start(command), master: File::from(terminal.master) }
    }

    /// The exit code and what the terminal showed.
    fn end(mut self) -> (Option<i32>, String) {
        let mut shown = Vec::new();
        let mut buffer = [0; 4096];
        // Ends with an error, which is what the last hang-up of a terminal looks like.
        while let Ok(read @ 1..) = self.master.read(&mut buffer) {
            shown.extend_from_slice(&buffer[..read]);
        }
        (self.host.exit_code(PATIENCE), String::from_utf8(shown).unwrap())
    }
}

#[test]
fn chunks_and_progress_are_shown_in_order() {
    let args = ["run", "slow_processor", "-p", "text=one two three", "-p", "seconds=0.6"];
    let (code, shown) = Watched::start(&args, Stdio::null(), 80).end();
    assert_eq!(code, Some(0), "{shown}");
    let place = |text: &str| shown.find(text).unwrap_or_else(|| panic!("no {text:?} in {shown}"));
    assert!(place("ONE\r\n") < place("TWO\r\n"));
    assert!(place("TWO\r\n") < place("THREE\r\n"));
    assert!(place("1 of 3 words") < place("2 of 3 words"));
    assert!(shown.contains("33%"), "{shown}");
    assert!(shown.contains('█'), "{shown}");
}

#[test]
fn a_narrow_terminal_shows_the_message_and_no_bar() {
    let args = ["run", "slow_processor", "-p", "text=one two three", "-p", "seconds=0.6"];
    let (code, shown) = Watched::start(&args, Stdio::null(), 40).end();
    assert_eq!(code, Some(0), "{shown}");
    assert!(shown.contains("1 of 3 words"), "{shown}");
    assert!(!shown.contains('█'), "{shown}");
}

#[test]
fn a_batch_sums_up() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"{\"text\": \"a\"}\nbad\n{\"text\": \"b\"}\n").unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    let (code, shown) = Watched::start(&["batch", "uppercase"], file.into(), 80).end();
    assert_eq!(code, Some(1));
    assert!(shown.contains("2 completed, 1 failed in "), "{shown}");
}

#[test]
fn an_interrupted_line_has_not_failed() {
    let directory = tempfile::tempdir().unwrap();
    let fifo = Fifo::new(directory.path());
    let mut watched =
        Watched::start(&["batch", "digest", "--workers", "1", "--grace", "100ms"], Stdio::piped(), 80);
    let mut stdin = watched.host.stdin();
    writeln!(stdin, "{}", serde_json::json!({"path": fifo.path()})).unwrap();
    let _writer = fifo.wait_for_reader();
    watched.host.signal(Signal::SIGINT);
    let (code, shown) = watched.end();
    assert_eq!(code, Some(130), "{shown}");
    assert!(shown.contains("1 job may take 100ms to finish; another signal ends it now\r\n"), "{shown}");
    assert!(shown.contains("stopping: 1 left, 0 failed, "), "{shown}");
    assert!(shown.contains("0 completed, 0 failed, 1 interrupted in "), "{shown}");
    assert!(shown.contains("; stopped after line 1\r\n"), "{shown}");
}
