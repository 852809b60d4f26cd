use clap::Parser;

/// Tortures a pool of workers with random jobs, cancels and kills, and checks from outside that Ostler keeps its word.
///
/// Exits with 0 if it does, with 1 if a check failed, and with 2 if there was nothing to check.
#[derive(Parser, Clone, Debug)]
#[command(name = "torture", max_term_width = 100)]
#[command(after_help = "Examples:
  cargo run --release -p ostler-tests --bin torture -- --seconds 600
  cargo run --release -p ostler-tests --bin torture -- --seed 7 --seconds 30 --workers 2 --standby 0
  cargo run --release -p ostler-tests --bin torture -- --seconds 180 --busy 4

All random choices come from the seed. The kernel's timing does not, so a seed replays what was done and not when.")]
pub(crate) struct Args {
    /// Where all random choices come from; without one, a new one is made up and printed
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// How long to torture; checks and the end come on top
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) seconds: u64,

    /// Go on after that until so many jobs have ended
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) jobs: u64,

    /// Jobs that run at once
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) workers: u32,

    /// Workers that are kept loaded beside those
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(0..=64))]
    pub(crate) standby: u32,

    /// Processes that spin beside it, and take the processor from it
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=64))]
    pub(crate) busy: u32,

    /// Tell about nothing before the end
    #[arg(long)]
    pub(crate) quiet: bool,
}

impl Args {
    /// The seed that was given, or a new one.
    pub(crate) fn seed(&self) -> u64 {
        self.seed.unwrap_or_else(|| crate::clock::now() % 1_000_000_000)
    }
}
