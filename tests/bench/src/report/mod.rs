//! What is made of the figures.

mod chart;
mod data;
mod document;
mod neighbour;
mod row;
mod standing;
mod table;
mod tree;

pub use data::Report;
pub use neighbour::{Neighbour, NeighbourRow};
pub use row::{Bound, Limit, Row};
pub(crate) use standing::standings;
pub(crate) use table::table;
pub(crate) use tree::{root, write_into_the_tree};
