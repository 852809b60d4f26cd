//! Many histories from one seed, and what is printed when one of them breaks a promise.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use ostler_lifecycle::RestartPolicy;

use super::recorder::Recorder;
use super::violation::{Verdict, Violation, ensure};
use super::world::World;

/// What a run of many histories came to.
#[derive(Debug)]
pub struct Summary {
    /// Inputs that the machine was fed.
    pub steps: u64,
    /// Histories that were lived through.
    pub histories: u64,
    /// A hash of everything, if it was asked for.
    pub digest: u64,
}

/// Which histories are run. History number n has the seed `seed + n`, so any one can be the first of a replay.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The first history's seed.
    pub seed: u64,
    /// Inputs, over all histories; the last history is cut off there.
    pub steps: u64,
    /// The pool's restart policy.
    pub policy: RestartPolicy,
}

impl Plan {
    /// Runs the histories until the steps are used up.
    ///
    /// # Errors
    /// The first broken promise, as a text that says how to see it again.
    pub fn run(&self) -> Result<Summary, String> {
        let begun = Instant::now();
        let summary = self.run_recording(|| Recorder::Nothing)?;
        let rate = summary.steps as f64 / begun.elapsed().as_secs_f64();
        println!(
            "{:?}, seed {}: {} steps in {} histories, {rate:.0} steps/s",
            self.policy, self.seed, summary.steps, summary.histories
        );
        Ok(summary)
    }

    /// Runs the histories and hashes everything that goes in and comes out.
    ///
    /// # Errors
    /// The first broken promise, as a text that says how to see it again.
    pub fn run_with_digest(&self) -> Result<Summary, String> {
        self.run_recording(Recorder::digest)
    }

    fn run_recording(&self, recorder: fn() -> Recorder) -> Result<Summary, String> {
        let mut summary = Summary { steps: 0, histories: 0, digest: 0 };
        while summary.steps < self.steps {
            let seed = self.seed.wrapping_add(summary.histories);
            let mut world = World::new(seed, self.policy, recorder());
            let verdict = live_through(&mut world, self.steps - summary.steps);
            if let Err(violation) = verdict {
                return Err(self.explain(seed, summary.histories, world.steps, &violation));
            }
            summary.steps += world.steps;
            summary.histories += 1;
            if let Recorder::Digest(digest) = &world.recorder {
                summary.digest = summary.digest.rotate_left(1) ^ digest.0;
            }
        }
        Ok(summary)
    }

    /// Lives through the history again, this time writing it down.
    fn explain(&self, seed: u64, history: u64, step: u64, violation: &Violation) -> String {
        let mut world = World::new(seed, self.policy, Recorder::Lines(VecDeque::new()));
        // What is missed when nothing happens any more is noticed after the last step.
        let limit = step + 1;
        let again = live_through(&mut world, limit);
        let test = format!("under_policy_{}", snake_case(self.policy));
        let mut text = format!(
            "{violation}\n\n{:?}, seed {}, history {history}, step {step}; replay it with\n  \
             OSTLER_SIM_SEED={seed} OSTLER_SIM_STEPS={limit} cargo test -p ostler-simulation {test}\n\n",
            self.policy, self.seed
        );
        text.push_str(&format!("{:?}\n\n", world.scenario()));
        if let Recorder::Lines(lines) = &world.recorder {
            for line in lines {
                text.push_str(line);
                text.push('\n');
            }
        }
        match again {
            Err(same) if same.check == violation.check => {}
            other => text.push_str(&format!(
                "\nthe second run differs, which is a bug of the simulation: {other:?}\n"
            )),
        }
        text
    }
}

/// A panic of the machine is a broken promise too.
fn live_through(world: &mut World, steps: u64) -> Verdict {
    let caught = catch_unwind(AssertUnwindSafe(|| world.run(steps)));
    caught.unwrap_or_else(|_| {
        ensure(false, "the_machine_does_not_panic", || "see its message above".to_owned())
    })
}

/// As the tests are named.
fn snake_case(policy: RestartPolicy) -> &'static str {
    match policy {
        RestartPolicy::Never => "never",
        RestartPolicy::OnCancellation => "on_cancellation",
        RestartPolicy::Always => "always",
        RestartPolicy::Backoff => "backoff",
    }
}

/// The number in an environment variable.
///
/// # Panics
/// If it is set to something else.
pub fn number_in_env(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    match text.parse() {
        Ok(number) => Some(number),
        Err(error) => panic!("{name} must be a number, and is {text:?}: {error}"),
    }
}
