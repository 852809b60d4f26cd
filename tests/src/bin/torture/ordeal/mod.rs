//! What is done to the host itself: it may open no files, its disk is full, it is stopped, its runtime is blocked, and it
//! is not told of its children's ends.

mod blocked;
mod children;
mod limit;
mod load;
mod tormentor;

pub(crate) use blocked::Blocker;
pub(crate) use children::{Children, set_children};
pub(crate) use limit::give_limits_back;
pub(crate) use tormentor::Tormentor;
