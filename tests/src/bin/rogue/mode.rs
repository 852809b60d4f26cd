/// How the worker behaves. Where nothing else is said it says hello, loads its plugin `echo`, returns each
/// job's payload as it came, and exits with 0 when it is told to stop.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Does all as it should.
    WellBehaved,
    /// Writes a line to stderr and exits with 3, without connecting.
    ExitBeforeHello,
    /// Never connects.
    Silent,
    /// Says hello, and that it speaks versions 98 and 99 of the protocol, and waits.
    WrongVersion,
    /// Says hello as in version 3 of the protocol, which is the only one that it speaks, and waits.
    OldVersion,
    /// Says that it speaks versions 4 to 9, and exits with 6 unless the host chooses 4. Else well behaved.
    NewerVersion,
    /// Says hello with another token, and waits.
    BadToken,
    /// Says hello, and then nothing more.
    Mute,
    /// Answers `Init` with a plugin that failed.
    LoadFailure,
    /// On a job: exits with 5 without a word if the file is not there, and makes the file. Else well behaved.
    ExitBeforeStarted,
    /// On a job: a result without `Started`, and waits.
    NotStarted,
    /// On a job: `Started`, the first half of a result's bytes, and exits with 0.
    HalfFrame,
    /// On a job: `Started`, the length of a frame of 2 GiB, and waits.
    HugeFrame,
    /// On a job: `Started`, a frame with tag 4096, and waits.
    UnknownTag,
    /// On a job: `Started`, the result of another job, and waits.
    WrongJob,
    /// On a job: `Started`, 64 MiB of lines on stderr, and the right result.
    FloodStderr,
    /// On a job: `Started`, and nothing more, whatever comes; all signals that can be are ignored.
    IgnoreSignals,
    /// On a job: `Started`, and nothing more until `Cancel`: then the answer to it, and the result twice.
    AnswerAfterCancel,
    /// On a job: `Started`, closes the connection, and lives on.
    CloseSocket,
    /// On a job: `Started`, and writes to address 8.
    Segfault,
    /// On a job: `Started`, three lines on stderr, and aborts.
    StderrLastWords,
    /// On a job: `Started`, forks a child that keeps everything open, tells its pid, and exits with 7.
    ForkAndLinger,
    /// The same, but the child leaves the process group.
    HoldSocket,
    /// On a job: the result's body is in a segment, always the same one.
    ShareResult,
    /// On its first job: it announces a segment and sends no descriptor.
    MissingDescriptor,
    /// On a job: the result's body is in a segment that was never sent.
    UnknownSegment,
    /// On a job: the result's body is behind the end of its segment.
    OutOfRange,
    /// On a job: the result's body is in a segment without seals.
    Unsealed,
    /// On a job: `Started` with a descriptor that belongs to nothing.
    StrayDescriptor,
    /// On a job: `Started` in single bytes, each with 200 descriptors.
    FloodDescriptors,
    /// On a job: gives back a segment that it was never given.
    ReleaseNothing,
}

impl Mode {
    pub(crate) const ALL: [(&str, Self); 31] = [
        ("well-behaved", Self::WellBehaved),
        ("exit-before-hello", Self::ExitBeforeHello),
        ("silent", Self::Silent),
        ("wrong-version", Self::WrongVersion),
        ("old-version", Self::OldVersion),
        ("newer-version", Self::NewerVersion),
        ("bad-token", Self::BadToken),
        ("mute", Self::Mute),
        ("load-failure", Self::LoadFailure),
        ("exit-before-started", Self::ExitBeforeStarted),
        ("not-started", Self::NotStarted),
        ("half-frame", Self::HalfFrame),
        ("huge-frame", Self::HugeFrame),
        ("unknown-tag", Self::UnknownTag),
        ("wrong-job", Self::WrongJob),
        ("flood-stderr", Self::FloodStderr),
        ("ignore-signals", Self::IgnoreSignals),
        ("answer-after-cancel", Self::AnswerAfterCancel),
        ("close-socket", Self::CloseSocket),
        ("segfault", Self::Segfault),
        ("stderr-last-words", Self::StderrLastWords),
        ("fork-and-linger", Self::ForkAndLinger),
        ("hold-socket", Self::HoldSocket),
        ("share-result", Self::ShareResult),
        ("missing-descriptor", Self::MissingDescriptor),
        ("unknown-segment", Self::UnknownSegment),
        ("out-of-range", Self::OutOfRange),
        ("unsealed", Self::Unsealed),
        ("stray-descriptor", Self::StrayDescriptor),
        ("flood-descriptors", Self::FloodDescriptors),
        ("release-nothing", Self::ReleaseNothing),
    ];

    /// Whether it says that it shares memory. It takes none, so only small requests should come.
    pub(crate) const fn shares(self) -> bool {
        use Mode::{FloodDescriptors, MissingDescriptor, OutOfRange, ReleaseNothing, ShareResult};
        use Mode::{StrayDescriptor, UnknownSegment, Unsealed};
        matches!(
            self,
            ShareResult
                | MissingDescriptor
                | UnknownSegment
                | OutOfRange
                | Unsealed
                | StrayDescriptor
                | FloodDescriptors
                | ReleaseNothing
        )
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, mode)| *mode)
    }
}
