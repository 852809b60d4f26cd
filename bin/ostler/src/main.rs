//! The `ostler` command line. It is its own worker: `main` begins with [`ostler::worker::run_if_worker`].

mod args;
mod attempts;
mod batch;
mod ending;
mod exit;
mod explanation;
mod file_size;
mod help;
mod interrupt;
mod job;
mod logging;
mod near_miss;
mod orphans;
mod params;
mod plugins;
mod pool;
mod quarantine;
mod report;
mod run;
mod screen;
mod sentence;
mod span;
mod stdout;
mod suggest;
mod tip;

use std::process::ExitCode;

use crate::args::{Cli, Command};
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::screen::Screen;

fn main() -> ExitCode {
    ostler::worker::run_if_worker(ostler_plugins::register_all);
    file_size::make_limit_an_error();
    let cli = near_miss::parse(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let screen = Screen::new();
    logging::start(cli.verbose, &screen);
    let exit = perform(cli, &screen).unwrap_or_else(|failure| {
        let what = if failure.exit == Exit::Cancelled { "" } else { "error: " };
        screen.say(&format!("{what}{failure}"));
        failure.exit
    });
    exit.into()
}

fn perform(cli: Cli, screen: &Screen) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start the runtime: {error}")))?;
    let exit = runtime.block_on(async {
        let answers = if let Command::Batch(_) = cli.command { batch::STOPS } else { 1 };
        let interrupt = Interrupt::listen(answers)?;
        let command = async {
            match cli.command {
                Command::Run(args) => run::run(args, cli.verbose > 0, interrupt, screen).await,
                Command::Batch(args) => batch::batch(args, interrupt, screen).await,
                Command::Plugins(args) => plugins::plugins(&args, interrupt).await,
            }
        };
        tokio::select! {
            biased;
            exit = command => exit,
            never = orphans::reap() => match never? {},
        }
    });
    // Nothing that still blocks may hold up the end.
    runtime.shutdown_background();
    exit
}
