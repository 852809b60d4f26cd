use std::time::Duration;

use crate::clock;

/// What is done to the host itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Ordeal {
    /// It may open few files, or none.
    FewFiles,
    /// No file of it may grow.
    FullDisk,
    /// Nobody would trust the directory of its records.
    NoRecords,
    /// It is stopped.
    Stopped,
    /// All threads of its runtime are blocked.
    Blocked,
}

impl Ordeal {
    pub(crate) const ALL: [Self; 5] =
        [Self::FewFiles, Self::FullDisk, Self::NoRecords, Self::Stopped, Self::Blocked];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::FewFiles => "a host that may open few files, or none",
            Self::FullDisk => "a host whose files may not grow",
            Self::NoRecords => "a host whose directory of records cannot be used",
            Self::Stopped => "a host that is stopped",
            Self::Blocked => "a host whose runtime is blocked",
        }
    }

    /// Whether the host does not run meanwhile.
    const fn stops_time(self) -> bool {
        matches!(self, Self::Stopped | Self::Blocked)
    }
}

struct Span {
    what: Ordeal,
    from: u64,
    /// The last moment of all while it goes on.
    to: u64,
}

impl Span {
    fn overlap(&self, from: u64, to: u64) -> Duration {
        clock::between(self.from.max(from), self.to.min(to))
    }

    fn meets(&self, from: u64, to: u64) -> bool {
        self.from <= to && self.to >= from
    }
}

/// From when to when what was done to the host.
#[derive(Default)]
pub(crate) struct Ordeals(Vec<Span>);

/// So long after it a lack of files may still show: what was lost is told to its owner, and what failed is tried again.
const AFTER: u64 = 1_000_000_000;

/// The host knows to a quarter of a second how long it did not run.
pub(super) const EACH_STOP: Duration = Duration::from_millis(300);

/// What happened before that shows nowhere any more.
const LONG_AGO: u64 = 30_000_000_000;

impl Ordeals {
    pub(super) fn begin(&mut self, what: Ordeal) -> usize {
        self.0.push(Span { what, from: clock::now(), to: u64::MAX });
        self.0.len() - 1
    }

    /// It ends now, unless somebody knows better.
    pub(super) fn end(&mut self, number: usize, times: Option<(u64, u64)>) {
        if let Some(span) = self.0.get_mut(number) {
            let (from, to) = times.unwrap_or((span.from, clock::now()));
            (span.from, span.to) = (from, to);
        }
    }

    /// How long the host did not run in this time, and how often that was.
    pub(crate) fn lost(&self, from: u64, to: u64) -> (Duration, u32) {
        let met = self.0.iter().filter(|span| span.what.stops_time() && span.meets(from, to));
        met.fold((Duration::ZERO, 0), |(time, times), span| (time + span.overlap(from, to), times + 1))
    }

    /// When the host had this long to run until then: its windows do not count the time in which it did not run.
    pub(super) fn so_long_before(&self, then: u64, window: Duration) -> u64 {
        let mut lost = Duration::ZERO;
        loop {
            let whole = u64::try_from((window + lost).as_nanos()).unwrap_or(u64::MAX);
            let begin = then.saturating_sub(whole);
            // Looking further back finds more of it, until it does not.
            let (time, stops) = self.lost(begin, then);
            let more = time + stops * EACH_STOP;
            if more == lost {
                return begin;
            }
            lost = more;
        }
    }

    /// Whether the host had too few files in this time, or a second before.
    pub(crate) fn lacked_files(&self, from: u64, to: u64) -> bool {
        let mut few = self.0.iter().filter(|span| span.what == Ordeal::FewFiles);
        few.any(|span| span.from <= to && span.to.saturating_add(AFTER) >= from)
    }

    /// Whether it has too few files now, so that nobody here can look at anything either.
    pub(crate) fn is_blind(&self) -> bool {
        self.0.last().is_some_and(|span| span.what == Ordeal::FewFiles && span.to == u64::MAX)
    }

    /// How much later than otherwise something may be done that needs a running host and free descriptors. Who could not
    /// look looks again after at most as long.
    pub(super) fn delay(&self, from: u64, to: u64) -> Duration {
        let of = |span: &Span| match span.what {
            Ordeal::FewFiles if span.meets(from, to) => {
                2 * span.overlap(from, to) + Duration::from_millis(100)
            }
            Ordeal::Stopped => span.overlap(from, to),
            _ => Duration::ZERO,
        };
        self.0.iter().map(of).sum()
    }

    /// What of it was in this time, with times since its begin.
    pub(super) fn describe(&self, from: u64, to: u64) -> String {
        let met = self.0.iter().filter(|span| span.meets(from, to));
        let of = |span: &Span| {
            let (begun, ended) = (clock::between(from, span.from), clock::between(from, span.to.min(to)));
            format!("{} from {begun:?} to {ended:?}", span.what.name())
        };
        met.map(of).collect::<Vec<_>>().join(", ")
    }

    /// Forgets those that are over, and whose consequences are. None goes on.
    pub(super) fn forget(&mut self) {
        let since = clock::now().saturating_sub(LONG_AGO);
        self.0.retain(|span| span.to >= since);
    }
}
