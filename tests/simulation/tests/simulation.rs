//! The machine under storms.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::print_stdout, reason = "the seed of every run is printed")]

use ostler_lifecycle::RestartPolicy;
use ostler_simulation::{Plan, number_in_env};

/// Steps of each run, unless `OSTLER_SIM_STEPS` says otherwise.
const STEPS: u64 = 200_000;
/// The seed that every run begins with, unless `OSTLER_SIM_SEED` says otherwise.
const SEED: u64 = 1;

fn storm(policy: RestartPolicy) {
    let steps = number_in_env("OSTLER_SIM_STEPS").unwrap_or(STEPS);
    let seeds = match number_in_env("OSTLER_SIM_SEED") {
        Some(seed) => vec![seed],
        None => vec![SEED, random_seed()],
    };
    for seed in seeds {
        println!("{policy:?}: seed {seed}");
        if let Err(broken) = (Plan { seed, steps, policy }).run() {
            panic!("{broken}");
        }
    }
}

/// Different in every run; it is printed.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(()) >> 16
}

#[test]
fn guarantees_hold_under_policy_never() {
    storm(RestartPolicy::Never);
}

#[test]
fn guarantees_hold_under_policy_on_cancellation() {
    storm(RestartPolicy::OnCancellation);
}

#[test]
fn guarantees_hold_under_policy_always() {
    storm(RestartPolicy::Always);
}

#[test]
fn guarantees_hold_under_policy_backoff() {
    storm(RestartPolicy::Backoff);
}

#[test]
fn a_seed_gives_the_same_history_again() {
    let plan = |seed| Plan { seed, steps: 20_000, policy: RestartPolicy::Backoff };
    let first = plan(7).run_with_digest().unwrap();
    assert_eq!(first.digest, plan(7).run_with_digest().unwrap().digest);
    assert_ne!(first.digest, plan(8).run_with_digest().unwrap().digest);
}
