//! The `ostler` command line. It is its own worker: `main` begins with [`ostler::worker::run_if_worker`].

mod args;
mod batch;
mod ending;
mod exit;
mod help;
mod interrupt;
mod job;
mod logging;
mod near_miss;
mod params;
mod plugins;
mod pool;
mod report;
mod run;
mod screen;
mod stdout;
mod suggest;

use std::process::ExitCode;

use crate::args::Command;
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::screen::Screen;

fn main() -> ExitCode {
    ostler::worker::run_if_worker(ostler_plugins::register_all);
    let cli = near_miss::parse(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let screen = Screen::new();
    logging::start(cli.verbose, &screen);
    let exit = perform(cli.command, &screen).unwrap_or_else(|failure| {
        let what = if failure.exit == Exit::Cancelled { "" } else { "error: " };
        screen.say(&format!("{what}{failure}"));
        failure.exit
    });
    exit.into()
}

fn perform(command: Command, screen: &Screen) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start the runtime: {error}")))?;
    let exit = runtime.block_on(async {
        let interrupt = Interrupt::listen()?;
        match command {
            Command::Run(args) => run::run(args, interrupt, screen).await,
            Command::Batch(args) => batch::batch(args, interrupt, screen).await,
            Command::Plugins(args) => plugins::plugins(&args, interrupt).await,
        }
    });
    // Nothing that still blocks may hold up the end.
    runtime.shutdown_background();
    exit
}
