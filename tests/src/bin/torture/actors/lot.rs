//! What is drawn for one job: what it does, its limits, its reader, and whether it is cancelled.

use std::time::Duration;

use ostler::{Category, Priority, RetryPolicy};

use crate::dice::Dice;
use crate::inside::{ALPHA, Act, BETA, Rebel};

/// All that is decided of a job before it is started.
#[derive(Clone)]
pub(crate) struct Lot {
    pub(crate) act: Act,
    pub(crate) bad_runs: u32,
    pub(crate) plugin: &'static str,
    pub(crate) priority: Priority,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) queue_timeout: Option<Duration>,
    pub(crate) stall_timeout: Option<Duration>,
    pub(crate) reader: Reader,
    pub(crate) cancel: Option<CancelPlan>,
}

/// Who reads the job's events.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reader {
    /// One who reads them as they come.
    Watcher,
    /// One who reads a little slower.
    Slow(Duration),
    /// One who holds a cursor and does not read before the end.
    Sleeper,
    /// Nobody.
    None,
}

/// When a job is cancelled.
#[derive(Clone, Debug)]
pub(crate) struct CancelPlan {
    pub(crate) after: Duration,
    /// From its begin, and not from its start.
    pub(crate) once_begun: bool,
    pub(crate) grace: Option<Duration>,
    /// Two ask for it at once.
    pub(crate) twice: bool,
}

impl Lot {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let act = act(dice);
        let is_endless = act.is_endless();
        let retry = dice.percent(30).then(|| retry(dice));
        let cancel = (dice.percent(15) || (is_endless && dice.percent(60))).then(|| cancel(dice, &act));
        // Who is in doubt whether it ends must not be let run for ever.
        let needs_limit = is_endless && !matches!(cancel, Some(CancelPlan { once_begun: true, .. }));
        let timeout = match act {
            // Only so that it ends if its worker's limit is not heeded.
            Act::Hog => Some(Duration::from_secs(10)),
            _ if needs_limit => Some(dice.millis(150..600)),
            _ => dice.percent(4).then(|| dice.millis(50..2_000)),
        };
        let bad_runs = if dice.percent(50) { u32::MAX } else { dice.small(1..4) };
        Self {
            plugin: if dice.percent(70) { ALPHA } else { BETA },
            priority: Priority(i8::try_from(dice.of(0..3)).unwrap_or(0) * 10 - 10),
            retry,
            timeout,
            queue_timeout: dice.percent(5).then(|| dice.millis(5..400)),
            stall_timeout: dice.percent(if is_endless { 30 } else { 3 }).then(|| dice.millis(150..500)),
            reader: reader(dice),
            cancel,
            bad_runs,
            act,
        }
    }

    /// A job that is to run undisturbed, but for what happens to its worker.
    pub(crate) fn plain(act: Act, plugin: &'static str) -> Self {
        let retry = RetryPolicy { backoff_base: Duration::from_millis(5), ..RetryPolicy::attempts(20) };
        Self {
            act,
            bad_runs: u32::MAX,
            plugin,
            priority: Priority::HIGH,
            retry: Some(retry),
            timeout: None,
            queue_timeout: None,
            stall_timeout: None,
            reader: Reader::None,
            cancel: None,
        }
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Echo,
    LargeEcho,
    Attachment,
    Attachments,
    Pinch,
    Nap,
    Chunks,
    Print,
    Flood,
    LeaveFiles,
    Grow,
    Brood,
    Daemon,
    Fail,
    Panic,
    Abort,
    BroodAndAbort,
    Segfault,
    Exit,
    Hog,
    Spin,
    Stop,
    Tidy,
    Deaf,
    Rebel,
}

fn act(dice: &mut Dice) -> Act {
    use Kind::*;
    const KINDS: &[(u64, Kind)] = &[
        (300, Echo),
        (15, LargeEcho),
        (15, Attachment),
        (15, Attachments),
        (10, Pinch),
        (150, Nap),
        (60, Chunks),
        (40, Print),
        (6, Flood),
        (20, LeaveFiles),
        (10, Grow),
        (20, Brood),
        (25, Daemon),
        (60, Fail),
        (30, Panic),
        (20, Abort),
        (10, BroodAndAbort),
        (20, Segfault),
        (20, Exit),
        (8, Hog),
        (25, Spin),
        (8, Stop),
        (15, Tidy),
        (15, Deaf),
        (30, Rebel),
    ];
    match dice.weighted(KINDS).unwrap_or(Echo) {
        Echo => Act::Echo(format!("text {}", dice.of(0..u64::MAX))),
        LargeEcho => Act::Echo(format!("{:016x}", dice.of(0..u64::MAX)).repeat(65_536)),
        Attachment => Act::Attachment,
        // Small ones are the most.
        Attachments => Act::Attachments(1 << dice.of(0..5)),
        Pinch => Act::Pinch(dice.of(0..16)),
        Nap => Act::Nap(dice.of(1..60)),
        Chunks => Act::Chunks(dice.of(1..150)),
        Print => Act::Print(dice.of(1..300)),
        Flood => Act::Flood,
        LeaveFiles => Act::LeaveFiles,
        Grow => Act::Grow(70),
        Brood => Act::Brood,
        Daemon => Act::Daemon,
        Fail => {
            let categories = [Category::Input, Category::Transient, Category::Resource, Category::Fatal];
            Act::Fail(dice.pick(&categories).copied().unwrap_or(Category::Fatal))
        }
        Panic => Act::Panic,
        Abort => Act::Abort,
        BroodAndAbort => Act::BroodAndAbort,
        Segfault => Act::Segfault,
        Exit => Act::Exit(dice.pick(&[0, 1, 3, 70, 137]).copied().unwrap_or(1)),
        Hog => Act::Hog,
        Spin => Act::Spin,
        Stop => Act::Stop,
        Tidy => Act::Tidy,
        Deaf => Act::Deaf,
        Rebel => Act::Rebel(rebel(dice)),
    }
}

fn rebel(dice: &mut Dice) -> Rebel {
    let few = dice.of(0..16);
    let ways = [Rebel::JoinHost, Rebel::Session, Rebel::Close, Rebel::FewFiles(few)];
    dice.pick(&ways).copied().unwrap_or(Rebel::JoinHost)
}

fn retry(dice: &mut Dice) -> RetryPolicy {
    RetryPolicy {
        backoff_base: dice.millis(0..20),
        backoff_max: Duration::from_millis(100),
        max_crashes: dice.small(1..4),
        ..RetryPolicy::attempts(dice.small(1..5))
    }
}

fn cancel(dice: &mut Dice, act: &Act) -> CancelPlan {
    let grace = dice.percent(if matches!(act, Act::Tidy | Act::Deaf) { 70 } else { 20 });
    CancelPlan {
        after: if dice.percent(30) { Duration::ZERO } else { dice.millis(0..80) },
        once_begun: dice.percent(60),
        grace: grace.then(|| dice.millis(5..200)),
        twice: dice.percent(15),
    }
}

fn reader(dice: &mut Dice) -> Reader {
    match dice.of(0..100) {
        0..60 => Reader::Watcher,
        60..70 => Reader::Slow(dice.millis(1..4)),
        70..80 => Reader::Sleeper,
        _ => Reader::None,
    }
}
