use std::cell::OnceCell;

use jiff::Timestamp;

/// The time of day of one step: read once, and only if the step records something.
#[derive(Default)]
pub(super) struct Clock(OnceCell<Timestamp>);

impl Clock {
    pub(super) fn now(&self) -> Timestamp {
        *self.0.get_or_init(Timestamp::now)
    }
}
