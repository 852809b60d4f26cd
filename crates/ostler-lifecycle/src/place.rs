use std::time::{Duration, Instant};

use crate::Priority;

/// A job's place among those that wait: the lowest one goes first. A job keeps its place for life, so one that comes back
/// is at the front again.
///
/// One number, since every pending job has it: the rank, then the lane of its priority. No two jobs of a lane have one rank.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place(u64);

const LANE_BITS: u32 = 8;
const ARRIVAL_BITS: u32 = 48;
/// The largest rank.
const LAST: u64 = u64::MAX >> LANE_BITS;

impl Place {
    fn new(rank: u64, lane: u8) -> Self {
        Self(rank.min(LAST) << LANE_BITS | u64::from(lane))
    }

    /// The number of its lane: there are as many as there are priorities.
    pub(crate) fn lane(self) -> usize {
        (self.0 & u64::from(u8::MAX)) as usize
    }
}

/// What a new job's rank is made of. It is fixed when the job is accepted, so that an index can find the first one.
#[derive(Debug)]
pub(crate) enum Ranks {
    /// Higher priority first, then first come, first served.
    Strict { arrivals: u64 },
    /// A step of priority is worth so much time: a job goes before all that are accepted later than that.
    Aging(Box<Aging>),
}

#[derive(Debug)]
pub(crate) struct Aging {
    /// Microseconds for each step of priority.
    step: u64,
    /// When the first job came.
    began: Option<Instant>,
    /// The last rank in each lane.
    last: [u64; 256],
}

impl Ranks {
    /// `aging_step` of zero is for no aging.
    pub(crate) fn new(aging_step: Duration) -> Self {
        let step = micros(aging_step);
        if step == 0 {
            Self::Strict { arrivals: 0 }
        } else {
            Self::Aging(Box::new(Aging { step, began: None, last: [0; 256] }))
        }
    }

    /// A place behind all others of the same priority.
    pub(crate) fn next(&mut self, now: Instant, priority: Priority) -> Place {
        // The higher the priority, the lower the lane.
        let lane = i8::MAX.abs_diff(priority.0);
        let rank = match self {
            Self::Strict { arrivals } => {
                *arrivals += 1;
                u64::from(lane) << ARRIVAL_BITS | *arrivals
            }
            Self::Aging(aging) => {
                let age = micros(now.saturating_duration_since(*aging.began.get_or_insert(now)));
                let last = &mut aging.last[usize::from(lane)];
                // Also of two that come in one microsecond, one is first.
                *last = age.saturating_add(aging.step.saturating_mul(u64::from(lane))).max(*last + 1);
                *last
            }
        };
        Place::new(rank, lane)
    }

    pub(crate) fn is_strict(&self) -> bool {
        matches!(self, Self::Strict { .. })
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Places of jobs, each with its priority and its time in seconds.
    fn places(step: u64, jobs: &[(i8, u64)]) -> Vec<Place> {
        let (mut ranks, start) = (Ranks::new(Duration::from_secs(step)), Instant::now());
        jobs.iter()
            .map(|&(priority, at)| ranks.next(start + Duration::from_secs(at), Priority(priority)))
            .collect()
    }

    #[test]
    fn priority_goes_before_arrival() {
        let places = places(0, &[(-10, 0), (0, 1), (0, 2), (10, 900), (i8::MAX, 901), (i8::MIN, 902)]);
        assert_eq!(places.iter().map(|place| place.lane()).collect::<Vec<_>>(), [137, 127, 127, 117, 0, 255]);
        let order = [places[4], places[3], places[1], places[2], places[0], places[5]];
        assert!(order.is_sorted());
    }

    #[test]
    fn a_step_of_priority_is_worth_its_time_and_no_more() {
        // Ten steps of a second each.
        let places = places(1, &[(0, 0), (10, 9), (10, 11), (0, 11)]);
        assert!([places[1], places[0], places[2], places[3]].is_sorted());
        let again = self::places(1, &[(3, 5), (3, 5), (3, 5)]);
        assert!(again[0] < again[1] && again[1] < again[2], "of one moment the first goes first");
    }

    #[test]
    fn the_longest_step_and_the_longest_life_do_not_overflow() {
        let year = 365 * 24 * 3600;
        let places = places(year, &[(i8::MAX, 0), (i8::MIN, 0), (i8::MIN, 1000 * year)]);
        assert!(places.is_sorted());
        assert!(places.iter().all(|place| place.0 < u64::MAX));
    }
}
