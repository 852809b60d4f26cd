use tracing_subscriber::EnvFilter;

use crate::screen::Screen;

/// Sends what is logged to stderr: warnings, or more with `-v`, or what the variable `OSTLER_LOG` says. What a command
/// tells in its own words is not logged beside it: how a run failed, and that no worker is left.
pub(crate) fn start(verbose: u8, screen: &Screen) {
    let level = match verbose {
        0 => "warn,ostler::engine::settle=error,ostler::engine::perform=off",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    let filter = match std::env::var("OSTLER_LOG") {
        Ok(directives) if !directives.is_empty() => EnvFilter::try_new(directives).unwrap_or_else(|error| {
            screen.say(&format!("warning: OSTLER_LOG is ignored: {error}"));
            EnvFilter::new(level)
        }),
        _ => EnvFilter::new(level),
    };
    let screen = screen.clone();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(false)
        .with_writer(move || screen.writer())
        .init();
}
