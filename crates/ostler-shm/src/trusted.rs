#![expect(unsafe_code, reason = "a promise that the compiler cannot check is made here")]

/// The promise that another process keeps its hands off memory that it has shared, as long as this one reads it.
///
/// A worker that gives a large result in shared memory has that memory mapped, and can write to it at any time: nothing
/// can take that right from it. It is its own code, its plugins and their libraries that would do it, on purpose or by a
/// pointer gone wrong. Safe Rust must never see bytes behind a `&[u8]` change, so by default a host copies results into
/// its own memory. Whoever makes this promise has them where they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TrustedPeer(());

impl TrustedPeer {
    /// Promises it.
    ///
    /// # Safety
    /// No code that runs in the other process may write to memory that it has given away with a result or a request,
    /// until it is told that nobody here has it any more. A process whose code is Ostler's, and otherwise safe Rust, does
    /// not. If one does all the same, the behaviour of this process is undefined: a text that was checked may be none
    /// any more, and a decoder that looked twice may read outside of its bounds.
    #[must_use]
    pub const unsafe fn promise() -> Self {
        Self(())
    }
}
