use serde::{Deserialize, Serialize};

use crate::ResizeError;

/// How many workers a manager keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PoolSize {
    /// Jobs that may run at once, 1 to 4,096.
    pub max_workers: u32,
    /// Workers that are kept loaded beside those, up to 4,096.
    pub standby: u32,
}

impl PoolSize {
    pub(crate) fn check(self) -> Result<(), ResizeError> {
        if !(1..=4096).contains(&self.max_workers) {
            return Err(ResizeError { field: "max_workers", bound: "1 to 4096" });
        }
        if self.standby > 4096 {
            return Err(ResizeError { field: "standby", bound: "at most 4096" });
        }
        Ok(())
    }
}
