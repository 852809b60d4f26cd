//! A worker that shares no code with Ostler: it is written from `docs/wire.md` alone, and so proves that
//! page. Its first argument says how it behaves, see [`Mode`]; the second is a file for some of the modes.
#![expect(unsafe_code, reason = "a worker in the way of C: fork, signals and a segmentation fault")]

mod memory;
mod mode;
mod process;
mod wire;
mod worker;

use std::io::Write;

use mode::Mode;

fn main() {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let Some(mode) = Mode::parse(&name) else {
        let modes: Vec<&str> = Mode::ALL.iter().map(|(name, _)| *name).collect();
        say(&format!("rogue: `{name}` is not a mode; there are {}", modes.join(", ")));
        std::process::exit(2);
    };
    let environment = process::settle();
    match mode {
        Mode::ExitBeforeHello => {
            say("rogue: not in the mood for work today");
            std::process::exit(3);
        }
        Mode::Silent => process::linger(),
        _ => {}
    }
    let Some((socket, token)) = environment else {
        say("rogue: a worker for tests, of no use without OSTLER_SOCKET and OSTLER_TOKEN");
        std::process::exit(2);
    };
    match worker::work(mode, args.next().map(Into::into), &socket, token) {
        Ok(()) => {}
        Err(error) => {
            say(&format!("rogue: {error}"));
            std::process::exit(1);
        }
    }
}

/// Writes a line to stderr.
fn say(line: &str) {
    // With stderr closed there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{line}");
}
