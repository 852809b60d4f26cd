use std::panic::{AssertUnwindSafe, catch_unwind};

/// Says something to those who listen to traces, as `tracing`'s macro of that name does. They are the host's code: one that
/// writes to a pipe without a reader panics, and nothing may be left undone for that.
#[macro_export]
macro_rules! say {
    ($level:ident, $($what:tt)+) => { $crate::unless_it_panics(|| ::tracing::$level!($($what)+)) };
}

/// Calls it. For [`say!`].
#[doc(hidden)]
pub fn unless_it_panics(say: impl FnOnce()) {
    // Nobody is left who could be told.
    let _ = catch_unwind(AssertUnwindSafe(say));
}
