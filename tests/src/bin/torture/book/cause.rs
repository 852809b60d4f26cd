//! Which causes of a worker's death there are, in Ostler's own words, and what explains them.

use ostler::{EndReason, RecycleReason};

/// Whether a worker was ended because somebody asked for something that ends workers.
pub(crate) fn was_asked_for(cause: &str) -> bool {
    use EndReason::{Cancelled, Recycled, Retired, Shutdown, Silent, Surplus, TimedOut};
    let reasons = [
        Cancelled,
        TimedOut,
        Silent,
        Retired,
        Recycled(RecycleReason::Jobs),
        Recycled(RecycleReason::Growth),
        Surplus,
        Shutdown,
    ];
    is_one_of(cause, reasons)
}

/// Whether a worker was ended because it did not do something in time: it must have been stopped.
pub(super) fn is_of_silence(cause: &str) -> bool {
    use EndReason::{ControlTimedOut, LoadTimedOut, SilentAtStart, Stalled, Unresponsive};
    is_one_of(cause, [Unresponsive, Stalled, SilentAtStart, LoadTimedOut, ControlTimedOut])
}

/// Whether a worker could not be made, or not connect, for want of a descriptor. One that is made then has the low limit
/// of that moment, and may find none for its libraries.
pub(crate) fn is_of_few_files(cause: &str) -> bool {
    cause.contains("Too many open files") || cause.starts_with("exited with code 127")
}

/// Whether a worker was ended because it took too much memory. How much it was is a part of the words.
pub(crate) fn is_of_memory(cause: &str) -> bool {
    cause.contains("of memory and may take")
}

fn is_one_of<const N: usize>(cause: &str, reasons: [EndReason; N]) -> bool {
    reasons.into_iter().any(|reason| reason.to_string() == cause)
}
