//! What the host knows: which jobs it started, what it did to whom, what the diary says; and the verdict over it.

mod blow;
mod check;
mod daemons;
mod diary;
mod ledger;
mod note;
mod story;
mod tale;
mod verdict;

pub(crate) use blow::Blows;
pub(crate) use check::{Check, Faults};
pub(crate) use ledger::{Book, Ledger, explained_without_a_blow};
pub(crate) use note::Note;
pub(crate) use tale::Tale;
