//! What is made of the figures.

mod data;
mod row;
mod table;

pub use data::Report;
pub use row::{Bound, Limit, Row};
pub(crate) use table::table;
