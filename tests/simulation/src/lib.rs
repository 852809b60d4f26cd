//! A simulation of everything around the machine: host, driver, kernel, workers, and a clock that costs nothing.
//!
//! One history is a function of one number. A `Scenario` is drawn from it (the pool's
//! configuration, and how bad the world is), and then a `World` lets things happen: a host that
//! submits, cancels, releases, pauses, reloads, restarts, resizes and shuts down, each job with policies and timeouts
//! of its own; processes that are made late or not at all, that crash, hang, are stopped and go on, hang up, forge frames, leave them
//! half said, grow, or sleep through their kill; memory that runs short and comes back; a hook that lets jobs wait, or
//! never answers; ticks that come late; a host that does not run for a while, alone or with all others, and notices
//! that or not, so that frames lie unread when deadlines pass; and things that come when they are long over. Every
//! history ends in a calm, in which every job that is not in quarantine must end within bounded time and the pool must
//! be whole again, and in a shutdown, after which nothing may be left.
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
//! - A cancel was lost when the run of its job had failed, its worker was still dying, and the job was to be tried again:
//!   `guarantee_4_a_cancel_is_not_lost`.
//! - A cancelled job whose process does not die failed of its queue timeout; so did one whose first run had ended without
//!   a start, also in quarantine: `guarantee_3_a_death_touches_only_its_own_job`, `who_is_in_quarantine_stays_there`.
//! - When all workers had become old together, none was ever replaced: `who_is_recycled_goes_when_it_may`. Under some
//!   policies who was recycled left an empty place: `the_policy_restarts_what_it_promises`.
//! - A refused limit to growth left the replacement that it had called for: `no_more_workers_than_the_pool_has_places`,
//!   `who_is_too_many_is_let_go`; growth was taken for granted where nobody had measured:
//!   `no_more_workers_than_the_pool_has_places`.
//! - A worker was started by a resize although the host was short of memory, and one that died meanwhile never came back:
//!   `short_of_memory_one_worker_has_to_do`, `who_made_room_comes_back`. What was to come back when the host was short of
//!   memory for the last time came back after the next time: `guarantee_7_no_more_restarts_than_the_policy_allows`.
//! - A replacement was started for an old worker beside others that were too many already, and another one when an old one
//!   was gone for which nobody had come: `no_more_workers_than_the_pool_has_places`. It was let go while the old one was
//!   being killed for its job: `guarantee_3_nothing_is_killed_without_a_reason`.
//! - Where two places were being cleared while the pool grew by one, the one that was to be filled was cleared first, and
//!   neither was: `the_policy_restarts_what_it_promises`.
//! - A resize started workers after faults beyond the budget: `guarantee_7_no_more_restarts_than_the_policy_allows`; a
//!   restart on request still held old faults against slots that stayed empty, or whose workers were dying:
//!   `guarantee_7_down_only_when_the_budget_is_spent`.
//! - A pool that grew in a shutdown had no slots for those that waited: `an_empty_slot_is_filled_while_jobs_are_pending`.
//!   One that shrank started workers that had waited for their time: `no_more_workers_than_the_pool_has_places`.
//! - Late output of an earlier job put off the stall timeout of the next one: `deadlines_are_announced`.
//! - Down was said twice when two workers ran into a limit: `down_is_said_once`.
//! - A worker that was missing in a degraded pool was noted as wanted and put to wait in turns under a shortage of memory,
//!   and nobody came back: `liveness_pressure_ends`. Who was noted for a job that has ended since was started all the same:
//!   `guarantee_7_no_more_restarts_than_the_policy_allows`.
//! - A worker stayed beyond the end of its life because a replacement that nobody had needed was busy:
//!   `who_is_recycled_goes_when_it_may`. The replacement of one that died in a shutdown had no place:
//!   `no_more_workers_than_the_pool_has_places`.
//! - A second shutdown with a later deadline ended jobs by the first one's before their results were read:
//!   `guarantee_3_nothing_is_killed_without_a_reason`.
//! - What a job had printed was told after its end, since its worker went at once: `what_comes_late_changes_nothing`.
//! - A place was given to a replacement whose start was not allowed yet: `the_policy_restarts_what_it_promises`.
//!
//! Planted in a copy of it, one at a time; each is caught by 200,000 steps of each policy, most of them under every one:
//! - A returned job goes to the back, priorities are ignored, last in is first out: `guarantee_6_…`. Where low priorities
//!   rise, the time that a job has waited is ignored, or a step of priority is worth twice its time: the same.
//! - A job that was only sent is blamed for a crash: `guarantee_3_a_death_touches_only_its_own_job`.
//! - A cancelled job is settled at the kill: `guarantee_4_cancelled_means_that_no_code_of_it_runs`.
//! - A result that follows a cancel wins; a wrong attempt, a wrong request, a gap in the chunks is let pass:
//!   `guarantee_2_a_result_counts_only_from_who_was_asked`.
//! - A result of another generation or attempt, or after a cancel, is said to be awaited:
//!   `a_result_is_awaited_if_it_counts`.
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
//! - One job more runs than may: `no_more_jobs_run_than_may`. One that is being killed counts as running, so that a standby
//!   idles: `nobody_waits_beside_an_idle_worker`.
//! - What a worker has loaded is ignored, or who is to be recycled goes first: `who_has_the_plugin_loaded_goes_first`.
//! - A kind or a category is tried again that the policy does not name, or one attempt or one crash more:
//!   `guarantee_2_a_job_runs_again_only_as_its_policy_says`. An attempt keeps its number: `attempts_are_counted`.
//! - A retry begins at once or after half of its delay: `the_hook_is_asked_about_pending_jobs`; its delay has another cap
//!   or doubles once too often: `a_retry_waits_no_longer_than_its_policy_says`.
//! - A job that never began keeps its worker's death as a crash, a release keeps the score, quarantine is entered in a
//!   shutdown: `who_crashes_too_often_goes_into_quarantine`. It outlives a shutdown: `guarantee_1_…`.
//! - Jobs that wait for their next attempt outlive a pool that is down: `down_means_that_nobody_waits`; they end without
//!   their evidence in a shutdown: `guarantee_5_the_first_one_handled_wins`.
//! - The old worker goes before enough others are ready, or ones count that have hung up:
//!   `nobody_is_let_go_without_a_reason`. Two replacements at once: `no_more_workers_than_the_pool_has_places`.
//! - An idle worker that is not old takes the replacement of another one along, or a replacement goes for the memory that its
//!   host held when it made it: `guarantee_3_nothing_is_killed_without_a_reason`. One that was to go and is needed again goes
//!   all the same: `who_has_the_plugin_loaded_goes_first`. One that has run its one job stays, if it is old as well:
//!   `no_process_is_used_twice`.
//! - Jobs are told of before workers have theirs: `work_is_given_first`. A hook is asked that is not there:
//!   `nobody_is_asked_where_there_is_no_hook`.
//! - Age counts from the spawn: `nobody_is_let_go_without_a_reason`. A futile limit to growth is refused one worker too
//!   late: `a_limit_is_refused_when_it_is_futile`. A hopeless limit does not end the pool:
//!   `a_hopeless_limit_ends_the_pool`.
//! - Nobody is asked for a sign of life: `deadlines_are_kept`; idle workers are: `who_is_told_something_can_hear_it`; a
//!   pong is no sign of life, loading workers are not asked, output counts: `deadlines_are_announced`. A report
//!   does not put off the stall timeout: `guarantee_3_nothing_is_killed_without_a_reason`.
//! - A deadline is judged before what was said earlier is read, also that of a reload or of a shutdown; more counts as read
//!   than was: `guarantee_3_nothing_is_killed_without_a_reason`. It is asked for again and again:
//!   `nobody_is_listened_to_without_a_reason`. A death that was not noticed is never asked about: `deadlines_are_announced`.
//!   A worker whose result was read at the end of a shutdown stays: `guarantee_8_a_shutdown_ends`. A worker is told of a
//!   reload whose time is up: `who_is_told_something_can_hear_it`.
//! - Time in which the host did not run counts: `nobody_is_listened_to_without_a_reason`; it counts for a shutdown, or is
//!   taken off twice: `deadlines_are_announced`; the time runs backwards: `deadlines_are_kept`.
//! - The hook's timeout or the queue timeout is ignored, a second cancel lengthens the grace: `deadlines_are_announced`,
//!   `deadlines_are_kept`. Who comes back to the queue too late waits on: `guarantee_1_…`.
//! - A worker at the memory limit goes, a busy one goes although one idles, the smallest, the oldest, the last, several at
//!   once, one that may not run again: `guarantee_3_nothing_is_killed_without_a_reason`. An idle worker over the limit
//!   stays: `who_takes_too_much_memory_is_killed`. Who had to go stays away: `who_made_room_comes_back`.
//! - All are started under pressure: `short_of_memory_one_worker_has_to_do`; none is:
//!   `an_empty_slot_is_filled_while_jobs_are_pending`.
//! - The two budgets are one, faults are counted in the wrong one, a restart on request clears one of them, the wrong reason
//!   is said: `guarantee_7_down_only_when_the_budget_is_spent`.
//! - A shrink ends a worker that is reserved: `guarantee_3_nothing_is_killed_without_a_reason`; it is ignored, or lets busy
//!   workers go before idle ones: `who_is_too_many_is_let_go`.
//! - A frame that a dead worker left half said is ignored, or is a breach of the protocol also after a signal:
//!   `guarantee_5_the_first_one_handled_wins`.
//! - Who had to go comes back although there is no room, or several at once: `short_of_memory_one_worker_has_to_do`. What
//!   has replaced nobody stays: `no_replacement_is_left_over`.
//! - A pause lets a new job start: `nothing_starts_while_paused`; it keeps those whose start was only asked about:
//!   `what_comes_late_changes_nothing`. It is never over: `the_view_is_true`, `nobody_waits_beside_an_idle_worker`.
//! - One job of a limited plugin more runs than may, or one whose worker is dying does not count:
//!   `no_more_of_a_plugin_run_than_may`. One less: `guarantee_6_…`.
//! - A pool goes down although a worker lives: `guarantee_7_nobody_is_down_who_has_a_worker`; who is held is started beyond
//!   the budget: `guarantee_7_no_more_restarts_than_the_policy_allows`; degraded is not told: `the_view_is_true`; good work
//!   does not reset a slot's backoff: `the_delay_is_that_of_the_slot`.
//! - The answer to a request to end that comes after the job's result is a breach: `what_comes_late_changes_nothing`. A job
//!   whose time is up has no deadline any more: `deadlines_are_announced`.
//! - A process runs a second job where each job gets a fresh one: `no_process_is_used_twice`.
//! - Idle workers are let go below the least size: `nobody_is_let_go_without_a_reason`; they are never let go:
//!   `deadlines_are_kept`.

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
