//! Which world is explored, and what can happen in one.

/// A fault put in on purpose: the step of the world that it changes is marked with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Planted {
    Nothing,
    /// A reference is given back although a payload that is not sent yet refers to it.
    EarlyRelease,
    /// What is given back with a payload is told before that payload has its place among what is sent.
    OvertakingRelease,
    /// The receiver takes what the ring has without a look at its number.
    OvertakingRing,
    /// What is given back is told twice.
    DoubleRelease,
    /// A segment is written again before the peer has given it back.
    EarlyReuse,
    /// A segment is not kept from others between its copy and its lending.
    EarlyUnlock,
    /// A lease ends before what it is for was copied.
    EarlyCopyEnd,
    /// A segment that was lost is not remembered.
    ForgottenLoss,
    /// A segment is named by a payload that may go before the one that introduces it.
    EarlyName,
    /// A payload that is not sent keeps its references.
    LeakedReference,
}

/// What a part of a payload is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Part {
    /// Lies somewhere else, and is copied.
    Copied,
    /// The oldest of what this side holds, or else a copy.
    Held,
}

/// A small world to look at all histories of.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// What the host sends, one after the other.
    pub(super) requests: &'static [&'static [Part]],
    /// What the worker answers to each.
    pub(super) responses: &'static [&'static [Part]],
    /// How often each side says something else in between: an answer about its state, a heartbeat.
    pub(super) words: [u8; 2],
    /// Whether the host copies what comes and lets it go at once.
    pub(super) host_copies: bool,
    /// Whether a segment that comes may be lost.
    pub(super) losses: bool,
    /// Whether a payload may turn out not to fit.
    pub(super) refusals: bool,
    /// Whether the worker may die.
    pub(super) death: bool,
    /// What each side holds at the begin, written in place: so many buffers.
    pub(super) buffers: [u8; 2],
    /// So many payloads of one side are under way at once, and none is waited for. 1: job after job.
    pub(super) at_once: usize,
    pub(super) planted: Planted,
}

/// What can happen next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Begin(usize),
    Work(usize, usize),
    Send(usize, usize, Route),
    Refuse(usize, usize),
    Say(usize, Route),
    Receive(usize),
    ReceiveAndLose(usize),
    LetGo(usize, usize),
    EndCopy(usize, usize),
    Die,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Route {
    Socket,
    Ring,
}
