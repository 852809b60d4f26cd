//! W3: a large payload there and back.

mod contest;
mod measure;
mod mode;

pub(super) use measure::measure;
