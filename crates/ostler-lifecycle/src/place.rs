use crate::Priority;

/// A job's place among those that wait: higher priority first, then first come, first served.
/// A job keeps its place for life, so one that comes back is at the front again.
///
/// One number, since every pending job has it: the lane of its priority, then the arrival.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place(u64);

const ARRIVAL_BITS: u32 = 56;

impl Place {
    /// `arrival` counts on with each job.
    pub(crate) fn new(priority: Priority, arrival: u64) -> Self {
        // The higher the priority, the lower the lane: there are as many steps as there are numbers.
        let lane = u64::from(i8::MAX.abs_diff(priority.0));
        Self(lane << ARRIVAL_BITS | arrival)
    }

    /// The number of its lane.
    pub(crate) fn lane(self) -> usize {
        (self.0 >> ARRIVAL_BITS) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priority_goes_before_arrival() {
        let lane = |priority| Place::new(Priority(priority), 7).lane();
        assert_eq!([i8::MAX, 0, i8::MIN].map(lane), [0, 127, 255]);
        let order = [(10, 9), (10, 12), (0, 1), (0, 1 << 40), (-10, 2)];
        assert!(order.is_sorted_by_key(|(priority, arrival)| Place::new(Priority(*priority), *arrival)));
    }
}
