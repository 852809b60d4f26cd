//! A simulation of everything around the machine: host, driver, kernel, workers, and a clock that costs nothing.
//!
//! One history is a function of one number. A `Scenario` is drawn from it (the pool's
//! configuration, and how bad the world is), and then a `World` lets things happen: a host that
//! submits, cancels, reloads, restarts and shuts down; processes that are made late or not at all, that crash,
//! hang, hang up, forge frames, or sleep through their kill; a hook that lets jobs wait; ticks that come late;
//! and things that come when they are long over. Every history ends in a calm, in which every job must end
//! within bounded time, and in a shutdown, after which nothing may be left.
//!
//! A `Model` watches the machine from outside: after every single input it compares what came
//! out with what had to come out, and with what must never come out. Each check has a name, and the design's
//! guarantees are checks named `guarantee_1_…` to `guarantee_8_…`.
//!
//! A history that breaks a promise is lived through again with its last steps written down, and is printed with
//! the line that replays it. `OSTLER_SIM_SEED` and `OSTLER_SIM_STEPS` choose the first seed and the number of steps
//! of each run; history number n has the seed `OSTLER_SIM_SEED` + n.
//!
//! # Bugs that it has caught
//! In the machine, by being found there or by being put back once:
//! - A worker was killed before it said that it began its job, said so on its way out, and the job was run again:
//!   `guarantee_1_a_job_ends_when_its_end_is_known`, `the_hook_is_asked_about_pending_jobs`. The same for a worker
//!   that named its job out of turn.
//! - A cancel was lost when the job's worker was just being killed for another reason, and the job ran elsewhere:
//!   `guarantee_4_a_cancel_is_not_lost`.
//! - A worker that had taken a configuration that failed in another worker took one more job with it:
//!   `who_is_told_something_can_hear_it`.
//! - A job waited for the death of a worker that was reserved for it, and failed with it if it did not die:
//!   `a_reservation_has_a_worker`.
//! - A report of a worker's state passed for the answer to a reload: `what_comes_late_changes_nothing`.
//! - Starts that a delay had postponed fell into the next window of the restart budget:
//!   `guarantee_7_no_more_restarts_than_the_policy_allows`.
//! - A shutdown started workers that no job waited for, also at its deadline:
//!   `guarantee_8_nothing_starts_after_the_end`, `guarantee_7_no_more_restarts_than_the_policy_allows`.
//! - The time-out of a reload killed a worker that was being killed already: `a_worker_is_killed_once`.
//! - The death of a process that had not died in time freed nothing for jobs that wait for resources:
//!   `nobody_waits_beside_an_idle_worker`.
//!
//! Planted in a copy of it, one at a time; each is caught within 150,000 steps of each policy:
//! - A returned job goes to the back, priorities are ignored, last in is first out: `guarantee_6_…`.
//! - A job that was only sent is blamed for a crash: `guarantee_3_a_death_touches_only_its_own_job`.
//! - A cancelled job is settled at the kill: `guarantee_4_cancelled_means_that_no_code_of_it_runs`.
//! - A result that follows a cancel wins; a wrong attempt, a wrong request, a gap in the chunks is let pass:
//!   `guarantee_2_a_result_counts_only_from_who_was_asked`.
//! - Frames of earlier generations and answers to earlier tickets count, a second cancel kills again:
//!   `what_comes_late_changes_nothing`.
//! - The budget is one too large, forgets starts that wait, or is not used by failed loads: `guarantee_7_…`; it is
//!   used by cancels: `guarantee_7_down_only_when_the_budget_is_spent`.
//! - Down leaves jobs in the queue: `down_means_that_nobody_waits`. Up does not clear it: `the_view_is_true`.
//! - Empty slots are not filled for pending jobs: `an_empty_slot_is_filled_while_jobs_are_pending`.
//! - What was freed is not offered, blocked jobs are never asked about again: `nobody_waits_beside_an_idle_worker`.
//! - The timer of blocked jobs is not cleared: `a_tick_leads_on`.
//! - A process that does not die is waited for; its sent job is run again: `guarantee_1_…`, `guarantee_4_…`.
//! - A job's timeout is not armed, or counts from its sending; the grace of a cancel is doubled; a hang-up is
//!   ignored: `deadlines_are_kept`. The grace is ignored: `guarantee_3_nothing_is_killed_without_a_reason`.
//! - Closed is said while workers drain: `guarantee_8_closed_when_all_is_over`.
//! - A loading worker escapes a reload: `an_answer_waits_for_all`.
//! - `Always` forgets to restart after a crash: `the_policy_restarts_what_it_promises`.

#![expect(clippy::print_stdout, reason = "the speed of every run is printed")]

mod agenda;
mod chaos;
mod driver;
mod host;
mod memory;
mod model;
mod process;
mod recorder;
mod rng;
mod run;
mod scenario;
mod script;
mod settings;
mod violation;
mod world;

pub use run::{Plan, Summary, number_in_env};
