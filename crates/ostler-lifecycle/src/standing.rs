//! What a slot is to its pool, and why its worker is to go.

use crate::RecycleReason;

/// What a slot is to its pool.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// It takes one of the pool's places.
    Member,
    /// It takes a place, and is one too many: its worker goes when it is free.
    Surplus,
    /// It takes no place: its worker is here, or is coming, to replace one that has reached the end of its life.
    Replacement,
    /// A replacement that nobody needs any more: its worker goes when it is free.
    Dismissed,
    /// It takes no place any more: its worker is on its way out, and the replacement has the place.
    Replaced,
}

impl Standing {
    /// Whether it takes one of the pool's places, if there is a worker or one is to come.
    pub(crate) fn takes_a_place(self) -> bool {
        matches!(self, Self::Member | Self::Surplus)
    }

    /// Whether its worker goes when it is free, since there are enough others.
    pub(crate) fn is_too_many(self) -> bool {
        matches!(self, Self::Surplus | Self::Dismissed)
    }
}

/// Why a worker must not go on for ever, whatever place it has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Over {
    /// It has reached the end of its life: it goes as soon as another one can take its place.
    Old(RecycleReason),
    /// It has run its one job, where each job gets a process of its own: it goes at once.
    Used,
    /// What it has loaded is not what the pool is to have: it runs no other job.
    Obsolete,
}
