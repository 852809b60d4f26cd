use std::sync::Arc;
use std::time::Duration;

use crate::JobType;
use crate::engine::Core;

/// Shared by the clones of a manager: the drop of the last one shuts it down at once, in the background.
pub(crate) struct Alive<J: JobType>(pub(super) Arc<Core<J>>);

impl<J: JobType> Drop for Alive<J> {
    fn drop(&mut self) {
        self.0.shut_down_within(Duration::ZERO);
    }
}
