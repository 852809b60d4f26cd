//! Whether a job's end may be what it is, for all that the host did and the diary says.

use ostler::{Category, FailureKind, Job, JobFailure, JobStatus};

use super::diary::Run;
use super::patience::Limit;
use super::{Book, Check, Note, Tale};
use crate::clock;
use crate::inside::{Act, Rebel, Task, answer, own, sent};

/// A job that has ended, before its judge.
pub(super) struct Case<'a> {
    pub(super) book: &'a Book,
    pub(super) note: &'a Note,
    pub(super) record: &'a Job<Task>,
    pub(super) tale: &'a Tale,
    /// When its caller learned of the end.
    pub(super) ended: u64,
    /// Whether its events were read as they came, so that none may be missing.
    pub(super) was_watched: bool,
}

type Verdict = Result<(), String>;

impl Case<'_> {
    /// Each check that was made, and what it found.
    pub(super) fn judge(&self) -> Vec<(Check, Verdict)> {
        let mut verdicts = vec![
            (Check::Doubled, self.runs_are_allowed()),
            (Check::Events, self.events_are_in_order()),
            (Check::Blame, self.end_has_a_cause()),
            (Check::Patience, self.time_was_over()),
        ];
        if self.record.status == JobStatus::Completed {
            verdicts.push((Check::Answer, self.answer_is_right()));
            verdicts.push((Check::Events, self.all_was_told()));
        }
        verdicts
    }

    fn runs(&self) -> &[Run] {
        self.book.diary.runs(self.note.task.number)
    }

    fn runs_are_allowed(&self) -> Verdict {
        let mut attempts: Vec<u32> = self.runs().iter().map(|run| run.attempt).collect();
        let most = self.note.most_runs() as usize;
        check(attempts.len() <= most, || format!("it ran {} times and may {most} times", attempts.len()))?;
        attempts.sort_unstable();
        check(attempts.windows(2).all(|pair| pair[0] != pair[1]), || {
            format!("an attempt ran twice: {attempts:?}")
        })?;
        // The last failures alone are kept.
        let failures = self.record.past_failures.len();
        check(attempts.len() <= failures + 1 || failures >= 8, || {
            format!("it ran {} times and failed {failures} times before", attempts.len())
        })?;
        // It answered, so only what ended its worker just then can be why it ran again.
        let again =
            self.runs().iter().rev().skip(1).find(|run| {
                run.answered.is_some() && !self.may_have_been_ended(run) && !self.was_lost_before()
            });
        let of_own = |run: &&Run| self.note.task.act_of(run.attempt).answers();
        again
            .filter(of_own)
            .map_or(Ok(()), |run| Err(format!("attempt {} answered, and it ran again", run.attempt)))
    }

    /// Whether an answer came without its large parts, for want of a descriptor.
    fn was_lost_before(&self) -> bool {
        self.record.past_failures.iter().any(|failure| self.lost_a_part(failure))
    }

    fn may_have_been_ended(&self, run: &Run) -> bool {
        let Note { timeout, stall_timeout, .. } = self.note;
        timeout.is_some() || stall_timeout.is_some() || !self.book.blows.of(run.pid).is_empty()
    }

    fn events_are_in_order(&self) -> Verdict {
        let Tale { disorder, missed, ends, started, .. } = self.tale;
        disorder.clone().map_or(Ok(()), Err)?;
        check(ends == &[self.record.status.as_str()], || format!("its ends are {ends:?}"))?;
        check(!self.was_watched || *missed == 0, || {
            format!("{missed} events were missed by one who read on")
        })?;
        // What began and is not told was cut off by a cancel or a kill before that was heard.
        let told = |run: &&Run| started.contains(&(run.attempt, run.pid));
        let untold = self.runs().iter().find(|run| *missed == 0 && run.answered.is_some() && !told(run));
        untold.filter(|run| !self.may_have_been_ended(run) && !self.is_unwanted()).map_or(Ok(()), |run| {
            Err(format!("attempt {} in {} answered, and its begin was not told", run.attempt, run.pid))
        })
    }

    /// What it gave and printed on its way, in the run that answered.
    fn all_was_told(&self) -> Verdict {
        let Tale { missed, next_chunk, printed, .. } = self.tale;
        if *missed > 0 {
            return Ok(());
        }
        match self.note.task.act_of(self.record.attempt) {
            // The chunk that closes the stream comes on top.
            Act::Chunks(count) => check(*next_chunk == count + 1, || {
                format!("it gave {count} chunks, and {} were told", next_chunk.saturating_sub(1))
            }),
            Act::Print(lines) => check(*printed == 2 * lines, || {
                format!("it printed {} lines, and {printed} were told or counted as lost", 2 * lines)
            }),
            _ => Ok(()),
        }
    }

    fn is_unwanted(&self) -> bool {
        self.note.is_unwanted || self.book.crowd_asked_for(self.note.plugin, self.note.born, self.ended)
    }

    fn end_has_a_cause(&self) -> Verdict {
        for failure in &self.record.past_failures {
            self.excuse(failure, None)?;
        }
        match (self.record.status, &self.record.error) {
            (JobStatus::Completed, _) => Ok(()),
            (JobStatus::Cancelled, _) => {
                check(self.is_unwanted(), || "nobody asked for its cancel".to_owned())
            }
            (JobStatus::Failed, Some(failure)) => {
                self.excuse(failure, Some(self.record.attempt))?;
                self.attempts_are_used_up(failure)
            }
            (status, _) => Err(format!("it ended as {status}")),
        }
    }

    /// Whether this may have happened to it; in this attempt, if that is known.
    fn excuse(&self, failure: &JobFailure, attempt: Option<u32>) -> Verdict {
        let act = &self.note.task.act;
        let is_bad_run = attempt.is_none_or(|attempt| attempt <= self.note.task.bad_runs);
        let is_own = is_bad_run && act.own_failure() == Some(failure.kind);
        let pid = failure.forensics.as_ref().and_then(|forensics| forensics.pid);
        let took = clock::between(self.note.born, self.ended);
        let excused = match failure.kind {
            FailureKind::Plugin => {
                let own = is_own && matches!(act, Act::Fail(category) if *category == failure.category);
                own || self.lost_a_part(failure)
            }
            FailureKind::Panicked => is_own,
            FailureKind::Crashed => return self.excuse_crash(failure, pid, is_own),
            FailureKind::TimedOut if failure.forensics.is_none() => {
                self.runs().is_empty() && self.note.queue_timeout.is_some_and(|limit| limit <= took)
            }
            FailureKind::TimedOut => self.note.timeout.is_some_and(|limit| limit <= took),
            FailureKind::Stalled => {
                let was_stopped = pid.is_some_and(|pid| self.book.was_stopped(pid));
                let is_silent = matches!(act, Act::Stop | Act::Rebel(Rebel::Close));
                was_stopped || is_silent || self.note.stall_timeout.is_some_and(|limit| limit <= took)
            }
            FailureKind::Interrupted => self.note.met_shutdown,
            FailureKind::WorkerUnavailable => self.book.pool_may_lack(self.note.born, self.ended),
            FailureKind::Protocol | FailureKind::Refused => false,
        };
        check(excused, || format!("there is no reason for it to fail as {:?}: {failure}", failure.kind))
    }

    /// Large parts come with a descriptor, for which there may have been no place.
    fn lost_a_part(&self, failure: &JobFailure) -> bool {
        let is_said =
            failure.category == Category::Resource && failure.message.contains("could not be taken over");
        let worker = self.record.worker_pid;
        // Its limit is raised again by the next job that begins, which may be one after this.
        let pinch = Act::Pinch(0).name();
        let was_pinched = worker.is_some_and(|pid| self.book.history(pid).contains(&pinch));
        let was_poor = worker.is_some_and(|pid| self.book.may_lack_files(pid));
        is_said && (was_pinched || was_poor || self.book.ordeals.lacked_files(self.note.born, self.ended))
    }

    /// Of a job that was ended for that.
    fn time_was_over(&self) -> Verdict {
        let past = self.record.past_failures.iter().map(|failure| (failure, None));
        let last = self.record.error.as_deref().map(|failure| (failure, Some(self.record.attempt)));
        past.chain(last).try_for_each(|(failure, attempt)| self.one_time_was_over(failure, attempt))
    }

    fn one_time_was_over(&self, failure: &JobFailure, attempt: Option<u32>) -> Verdict {
        let Note { timeout, stall_timeout, queue_timeout, born, .. } = *self.note;
        let pid = failure.forensics.as_ref().and_then(|forensics| forensics.pid);
        let limit = match (failure.kind, &failure.forensics) {
            (FailureKind::TimedOut, None) => Limit { name: "queue timeout", time: queue_timeout },
            (FailureKind::TimedOut, Some(_)) => Limit { name: "timeout", time: timeout },
            (FailureKind::Stalled, _) => {
                // A worker that is stopped is ended for its own silence.
                if pid.is_some_and(|pid| self.book.was_stopped(pid)) || stall_timeout.is_none() {
                    return Ok(());
                }
                Limit { name: "stall timeout", time: stall_timeout }
            }
            _ => return Ok(()),
        };
        let run = self.runs().iter().rev().find(|run| match attempt {
            Some(attempt) => run.attempt == attempt,
            None => Some(run.pid) == pid,
        });
        let begun = run.map_or(born, |run| run.begun);
        limit.was_reached(self.book, begun, self.ended)?;
        match run {
            Some(run) if self.book.blows.of(run.pid).is_empty() => limit.was_missed(run),
            _ => Ok(()),
        }
    }

    fn excuse_crash(&self, failure: &JobFailure, pid: Option<u32>, is_own: bool) -> Verdict {
        let Some((forensics, pid)) = failure.forensics.as_ref().zip(pid) else {
            return Err(format!("it crashed, and there is no evidence: {failure}"));
        };
        let cause = forensics.cause.to_string();
        let own = is_own && self.note.task.act.own_end().is_some_and(|end| end == cause);
        let of_memory = is_own && self.note.task.act == Act::Hog && cause.contains("memory");
        check(own || of_memory || self.book.struck(pid, &cause), || {
            format!("it is to have crashed because the worker {pid} {cause}, and nobody did that")
        })?;
        let began = self.tale.started.iter().any(|(_, of)| *of == pid) || self.tale.missed > 0;
        check(began, || format!("it is to have crashed with worker {pid}, and never began there"))
    }

    /// A job whose plugin fails in every run, and to which nothing else happened, fails when its attempts are used up.
    fn attempts_are_used_up(&self, failure: &JobFailure) -> Verdict {
        let Some(policy) = &self.note.retry else { return Ok(()) };
        let is_covered =
            policy.kinds.contains(&failure.kind) && policy.categories.contains(&failure.category);
        let all_alike = self.record.past_failures.iter().all(|before| before.kind == failure.kind);
        if failure.kind != FailureKind::Plugin || !is_covered || !all_alike || self.note.met_shutdown {
            return Ok(());
        }
        check(self.record.attempt == policy.max_attempts, || {
            format!("it gave up after attempt {} of {}", self.record.attempt, policy.max_attempts)
        })
    }

    fn answer_is_right(&self) -> Verdict {
        let Job { attempt, spec, result, .. } = self.record;
        let act = self.note.task.act_of(*attempt);
        check(act.answers(), || format!("attempt {attempt} answered, and was to {}", act.name()))?;
        let expected = answer(spec, *attempt);
        let got = result.as_deref().unwrap_or_default();
        // What it is to be there, whoever asked for it knows.
        check(got == expected || *act == Act::Model, || {
            format!("it answered {} instead of {}", short(got), short(&expected))
        })?;
        // A run that only answers sends nothing back.
        if *act == self.note.task.act {
            let expected = [sent(spec), own(spec)].into_iter().flatten();
            let got = self.record.attachments.iter().map(|attachment| &attachment.bytes[..]);
            check(expected.eq(got), || "its attachments are not what was sent and made".to_owned())?;
        }
        let run = self.runs().iter().find(|run| run.attempt == *attempt);
        let answered =
            run.is_some_and(|run| run.answered.is_some() && Some(run.pid) == self.record.worker_pid);
        check(answered, || {
            format!("attempt {attempt} is to have answered, and did not write that down: {run:?}")
        })
    }
}

fn check(holds: bool, fault: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(fault()) }
}

fn short(text: &str) -> String {
    let start: String = text.chars().take(60).collect();
    format!("{start:?} ({} bytes)", text.len())
}
