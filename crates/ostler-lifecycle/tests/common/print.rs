//! A line's right side.

use ostler_lifecycle::{
    BlockReason, Command, ControlId, Effect, EndCause, Forensics, JobChange, JobId, Outcome, Rejection,
    RequestId, WorkerChange, WorkerKey,
};

pub(super) fn all(effects: &[Effect]) -> String {
    let words: Vec<String> = effects.iter().filter_map(one).collect();
    words.join("; ")
}

pub(super) fn evidence(forensics: Option<&Forensics>) -> String {
    let Some(Forensics { pid, cause, phase, jobs_done, .. }) = forensics else { return "none".to_owned() };
    format!("{}, {phase}, {jobs_done} jobs done: {cause}", pid.unwrap_or(0))
}

/// Nothing for what another effect says already: a worker's process, and that it is busy.
fn one(effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::Spawn { worker } => format!("spawn {worker}"),
        Effect::Send { worker, request, command } => send(*worker, *request, *command),
        Effect::Kill { worker } => format!("kill {worker}"),
        Effect::CatchUp { worker } => format!("read {worker}"),
        Effect::AskAdmission { job, ticket } => format!("ask {} ?{}", letter(*job), ticket.0),
        Effect::Publish { job, change } => format!("{} {}", letter(*job), job_change(change)),
        Effect::Settle { job, outcome } => format!("{} {}", letter(*job), ended(outcome)),
        Effect::Reject { job, rejection } => {
            let why = match rejection {
                Rejection::QueueFull { .. } => "the queue is full",
                Rejection::Down(_) => "down",
                Rejection::ShutDown => "shut down",
            };
            format!("{} rejected: {why}", letter(*job))
        }
        Effect::StillDying { job, pid } => format!("{} still dying in {}", letter(*job), pid.unwrap_or(0)),
        Effect::Worker { worker, change } => return worker_change(*worker, change),
        Effect::Report { id } => format!("report {}", operation(*id)),
        Effect::Answer { id, result: Ok(()) } => format!("{} done", operation(*id)),
        Effect::Answer { id, result: Err(why) } => format!("{} not done: {why}", operation(*id)),
        Effect::Degraded { .. } => "degraded".to_owned(),
        Effect::Recovered => "recovered".to_owned(),
        Effect::Down { .. } => "down".to_owned(),
        Effect::Up => "up".to_owned(),
        Effect::Paused => "paused".to_owned(),
        Effect::Resumed => "resumed".to_owned(),
        Effect::RecyclingRefused { .. } => "recycling refused".to_owned(),
        Effect::Closed { still_dying } if still_dying.is_empty() => "closed".to_owned(),
        Effect::Closed { still_dying } => format!("closed without {still_dying:?}"),
    })
}

fn send(worker: WorkerKey, request: RequestId, command: Command) -> String {
    let number = request.0;
    match command {
        Command::Init => format!("{worker} <- init"),
        Command::Execute { job, attempt: 1 } => format!("{worker} <- {}", letter(job)),
        Command::Execute { job, attempt } => format!("{worker} <- {} attempt {attempt}", letter(job)),
        Command::Cancel { job } => format!("{worker} <- cancel {}", letter(job)),
        Command::Reload { id } => format!("{worker} <- reload {} #{number}", operation(id)),
        Command::Unload { id } => format!("{worker} <- unload {} #{number}", operation(id)),
        Command::GetState => format!("{worker} <- get_state #{number}"),
        Command::Ping => format!("{worker} <- ping"),
        Command::Stop => format!("{worker} <- stop"),
    }
}

fn job_change(change: &JobChange) -> String {
    match change {
        JobChange::Queued => "queued".to_owned(),
        JobChange::Blocked(BlockReason::Resources { .. }) => "blocked".to_owned(),
        JobChange::Blocked(reason @ (BlockReason::Paused | BlockReason::PluginLimit { .. })) => {
            unreachable!("that is told to who asks: {reason}")
        }
        JobChange::Blocked(BlockReason::Retry { failure, .. }) => format!("retries after {:?}", failure.kind),
        JobChange::Blocked(BlockReason::Quarantined { crashes, .. }) => {
            format!("quarantined after {crashes} crashes")
        }
        JobChange::Released => "released".to_owned(),
        JobChange::Started { worker, .. } => format!("started in {worker}"),
        JobChange::Noted => "noted".to_owned(),
        JobChange::Chunk => "chunk".to_owned(),
        JobChange::Cancelling => "cancelling".to_owned(),
    }
}

fn ended(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Completed => "completed".to_owned(),
        Outcome::Cancelled(_) => "cancelled".to_owned(),
        Outcome::Failed(failure) => {
            match failure.forensics.as_ref().and_then(|forensics| forensics.signal.as_ref()) {
                Some(signal) => format!("failed: {:?} {signal}", failure.kind),
                None => format!("failed: {:?}", failure.kind),
            }
        }
    }
}

fn worker_change(worker: WorkerKey, change: &WorkerChange) -> Option<String> {
    match change {
        WorkerChange::Spawned { .. } | WorkerChange::Busy { .. } => None,
        WorkerChange::Loading => Some(format!("{worker} loading")),
        WorkerChange::Idle => Some(format!("{worker} idle")),
        WorkerChange::Draining { .. } => Some(format!("{worker} draining")),
        WorkerChange::GivenUp { .. } => Some(format!("{worker} given up")),
        WorkerChange::Gone { cause, .. } => Some(match cause {
            EndCause::SpawnFailed(_) => format!("{worker} gone: not made"),
            EndCause::OnItsOwn => format!("{worker} gone: on its own"),
            EndCause::Ended(reason) => {
                let reason = format!("{reason:?}");
                format!("{worker} gone: {}", reason.split(['(', ' ']).next().unwrap_or_default())
            }
        }),
    }
}

fn letter(job: JobId) -> char {
    char::from(job.as_uuid().as_u128() as u8)
}

fn operation(id: ControlId) -> char {
    char::from(id.0 as u8)
}
