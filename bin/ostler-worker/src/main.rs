//! The stock worker: the plugins that come with Ostler, in a process of their own.

use std::io::{self, Write};

const HELP: &str = "\
The stock worker of Ostler. A host program starts it and talks to it over a socket; by itself it is of
no use. A host finds it in OSTLER_WORKER, beside its own executable, or in PATH.

Usage: ostler-worker [--help | --version]
";

fn main() -> io::Result<()> {
    ostler_worker::run_if_worker(ostler_plugins::register_all);
    match std::env::args_os().nth(1).as_deref().and_then(|argument| argument.to_str()) {
        Some("--help" | "-h") => io::stdout().write_all(HELP.as_bytes()),
        Some("--version" | "-V") => writeln!(io::stdout(), "ostler-worker {}", env!("CARGO_PKG_VERSION")),
        _ => ostler_worker::run_worker_binary(ostler_plugins::register_all),
    }
}
