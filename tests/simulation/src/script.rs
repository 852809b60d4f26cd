//! What a simulated worker does when it is told something: mostly what it should, sometimes not.

use std::time::Duration;

use ostler_lifecycle::{Category, Command, FailureKind, JobFailure, JobId, RequestId, WorkerFrame};

use super::agenda::Act;
use super::rng::Rng;

/// Acts, each with its delay from now.
pub(crate) type Script = Vec<(Duration, Act)>;

/// How a worker behaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manners {
    /// In a thousand reactions, how many are wrong.
    pub(crate) faults: usize,
    /// Milliseconds that a job runs, at most.
    pub(crate) job_length: u64,
}

/// A process that has just been made introduces itself.
pub(crate) fn at_start(manners: Manners, rng: &mut Rng) -> Script {
    let delay = rng.up_to_ms(20);
    if !rng.chance(manners.faults) {
        return vec![(delay, Act::Say(WorkerFrame::Hello))];
    }
    match rng.below(5) {
        0 => vec![],
        1 => vec![(delay, Act::Crash)],
        2 => vec![(delay, Act::Say(nonsense()))],
        3 => vec![(delay, Act::Say(WorkerFrame::Hello)), (delay, Act::Say(WorkerFrame::Hello))],
        _ => vec![(delay, Act::Say(WorkerFrame::Hello)), (delay + rng.up_to_ms(3), Act::Crash)],
    }
}

pub(crate) fn reaction(
    request: RequestId,
    command: Command,
    job: Option<(RequestId, JobId, u32)>,
    manners: Manners,
    rng: &mut Rng,
) -> Script {
    match command {
        Command::Init => load(request, manners, rng),
        Command::Execute { job, attempt } => execute(request, job, attempt, manners, rng),
        Command::Cancel { .. } => tidy_up(request, job, rng),
        Command::Reload { .. } | Command::Unload { .. } => obey(request, manners, rng),
        // Who is not stopped always answers: a thread of its own does that.
        Command::Ping => vec![(rng.up_to_ms(2), Act::Say(WorkerFrame::Pong))],
        Command::GetState if rng.chance(manners.faults) => vec![],
        Command::GetState => vec![(rng.up_to_ms(3), Act::Say(WorkerFrame::State { request }))],
        Command::Stop if rng.chance(manners.faults) => vec![],
        Command::Stop => {
            let done = WorkerFrame::Response { request, result: Ok(()) };
            let delay = rng.up_to_ms(20);
            vec![(delay, Act::Say(done)), (delay + rng.up_to_ms(1), Act::Crash)]
        }
    }
}

fn load(request: RequestId, manners: Manners, rng: &mut Rng) -> Script {
    let delay = rng.up_to_ms(30);
    let ready =
        |request, failed| Act::Say(WorkerFrame::Ready { request, loaded: vec![], failed, resident: 0 });
    if !rng.chance(manners.faults) {
        return vec![(delay, ready(request, vec![]))];
    }
    match rng.below(6) {
        0 => vec![],
        5 => vec![(delay / 2, Act::Mute), (delay, ready(request, vec![]))],
        1 => vec![(delay, Act::Crash)],
        2 => vec![(delay, ready(RequestId(request.0 + 1), vec![]))],
        3 => vec![(delay, ready(request, vec![])), (delay, ready(request, vec![]))],
        _ => vec![(delay, ready(request, vec![("plugin".to_owned(), "is broken".to_owned())]))],
    }
}

fn obey(request: RequestId, manners: Manners, rng: &mut Rng) -> Script {
    let delay = rng.up_to_ms(60);
    let answer = |result| Act::Say(WorkerFrame::Response { request, result });
    if !rng.chance(manners.faults + 50) {
        return vec![(delay, answer(Ok(())))];
    }
    match rng.below(7) {
        0 => vec![],
        6 => vec![(delay / 2, Act::Mute)],
        1 => vec![(delay, Act::Crash)],
        2 => vec![(delay, answer(Ok(()))), (delay, answer(Ok(())))],
        3 => vec![(delay, Act::Say(nonsense()))],
        _ => vec![(delay, answer(Err("no such file".to_owned())))],
    }
}

/// A job that was asked to end ends, or ends too late, or has just ended.
fn tidy_up(request: RequestId, job: Option<(RequestId, JobId, u32)>, rng: &mut Rng) -> Script {
    // Another thread says that it was told, maybe after the result.
    let mut script = vec![(rng.up_to_ms(100), Act::Say(WorkerFrame::Response { request, result: Ok(()) }))];
    let Some((asked, job, attempt)) = job else { return script };
    let delay = rng.up_to_ms(100);
    match rng.below(4) {
        0 => {}
        1 => script.push((delay, Act::Crash)),
        _ => {
            let result = if rng.chance(500) { Ok(()) } else { Err(JobFailure::from("was cancelled")) };
            let frame = WorkerFrame::Result { request: asked, job, attempt, result, resident: 0 };
            script.push((delay, Act::Say(frame)));
        }
    }
    script
}

/// One thing that a worker does wrong with a job.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Slip {
    SilentBeforeStart,
    CrashBeforeStart,
    NonsenseBeforeStart,
    ResultBeforeStart,
    StartedTwice,
    WrongAttempt,
    WrongRequest,
    Hang,
    Freeze,
    Mute,
    Crash,
    Nonsense,
    ChunkGap,
    ChunkTwice,
    StrangersNote,
    ResultTwice,
    CrashAfterResult,
}

const SLIPS: [Slip; 18] = [
    Slip::SilentBeforeStart,
    Slip::CrashBeforeStart,
    Slip::NonsenseBeforeStart,
    Slip::ResultBeforeStart,
    Slip::StartedTwice,
    Slip::WrongAttempt,
    Slip::WrongRequest,
    Slip::Hang,
    Slip::Freeze,
    Slip::Mute,
    Slip::Crash,
    Slip::Crash,
    Slip::Nonsense,
    Slip::ChunkGap,
    Slip::ChunkTwice,
    Slip::StrangersNote,
    Slip::ResultTwice,
    Slip::CrashAfterResult,
];

fn execute(request: RequestId, job: JobId, attempt: u32, manners: Manners, rng: &mut Rng) -> Script {
    let slip = rng.chance(manners.faults).then(|| rng.pick(&SLIPS));
    let mut at = rng.up_to_ms(5);
    let right = request;
    let request = if slip == Some(Slip::WrongRequest) { RequestId(request.0 - 1) } else { request };
    let result = outcome(rng);
    let result = Act::Say(WorkerFrame::Result { request, job, attempt, result, resident: 0 });
    match slip {
        Some(Slip::SilentBeforeStart) => return vec![],
        Some(Slip::CrashBeforeStart) => return vec![(at, Act::Crash)],
        Some(Slip::NonsenseBeforeStart) => return vec![(at, Act::Say(nonsense()))],
        Some(Slip::ResultBeforeStart) => return vec![(at, result)],
        _ => {}
    }
    let attempt = if slip == Some(Slip::WrongAttempt) { attempt + 1 } else { attempt };
    // A wrong request is half of the time in the start already.
    let asked = if rng.chance(500) { right } else { request };
    let started = WorkerFrame::Started { request: asked, job, attempt };
    let mut script = vec![(at, Act::Say(started.clone()))];
    if slip == Some(Slip::StartedTwice) {
        script.push((at, Act::Say(started)));
    }
    let chunks = rng.below(4) as u64;
    for seq in 0..chunks {
        at += rng.up_to_ms(manners.job_length / 4 + 1);
        // What it prints comes through a pipe, perhaps when the job is over.
        let late = if rng.chance(200) { rng.up_to_ms(manners.job_length) } else { Duration::ZERO };
        script.push((at + late, Act::Say(WorkerFrame::Output { job, attempt })));
        script.push((at, Act::Say(WorkerFrame::Note { job, attempt })));
        script.push((at, Act::Say(WorkerFrame::Chunk { job, attempt, seq })));
    }
    at += rng.up_to_ms(manners.job_length);
    let chunk = |seq| Act::Say(WorkerFrame::Chunk { job, attempt, seq });
    match slip {
        Some(Slip::Hang) => return script,
        Some(Slip::Freeze) => script.push((at, Act::Freeze)),
        Some(Slip::Mute) => script.push((at, Act::Mute)),
        Some(Slip::Crash) => script.push((at, Act::Crash)),
        Some(Slip::Nonsense) => script.push((at, Act::Say(nonsense()))),
        Some(Slip::ChunkGap) => script.push((at, chunk(chunks + 1))),
        Some(Slip::ChunkTwice) => script.extend([(at, chunk(chunks)), (at, chunk(chunks))]),
        Some(Slip::StrangersNote) => {
            script.push((at, Act::Say(WorkerFrame::Note { job, attempt: attempt + 1 })));
        }
        _ => {}
    }
    if slip == Some(Slip::ResultTwice)
        && let Act::Say(frame) = &result
    {
        script.push((at, Act::Say(frame.clone())));
    }
    script.push((at, result));
    if slip == Some(Slip::CrashAfterResult) {
        script.push((at, Act::Crash));
    }
    script
}

/// How a job ends of which the worker can tell.
fn outcome(rng: &mut Rng) -> Result<(), JobFailure> {
    if rng.chance(750) {
        return Ok(());
    }
    let category = rng.pick(&[Category::Input, Category::Transient, Category::Resource, Category::Fatal]);
    let kind = if rng.chance(700) { FailureKind::Plugin } else { FailureKind::Panicked };
    Err(JobFailure::new(kind, category, "no"))
}

fn nonsense() -> WorkerFrame {
    WorkerFrame::Fault { message: "a torn frame".to_owned() }
}
