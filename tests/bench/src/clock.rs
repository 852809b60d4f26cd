use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of a clock that all processes share.
pub(crate) fn nanoseconds() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // It counts from the machine's start and never runs below zero.
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
