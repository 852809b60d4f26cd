/// What one cancel took, in nanoseconds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Sample {
    /// Until it was proven that nothing of the job runs any more.
    pub(super) dead: f64,
    /// Until the next job was done.
    pub(super) next: f64,
}
