//! A simulation of everything around the machine.

#![expect(clippy::print_stdout, reason = "the seed of every run is printed")]

mod agenda;
mod chaos;
mod driver;
mod host;
mod model;
mod process;
mod recorder;
mod rng;
mod run;
mod scenario;
mod script;
mod violation;
mod world;

pub use run::{Plan, Summary, number_in_env};
