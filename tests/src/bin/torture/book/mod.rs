//! What the host knows: which jobs it started, what it did to whom, what the diary says; and the verdict over it.

mod blow;
mod cause;
mod check;
mod daemons;
mod diary;
mod ledger;
mod note;
mod ordeals;
mod patience;
mod story;
mod tale;
mod verdict;

pub(crate) use blow::Blows;
pub(crate) use cause::{is_of_few_files, is_of_memory, was_asked_for};
pub(crate) use check::{Check, Faults};
pub(crate) use ledger::{Book, Ledger};
pub(crate) use note::Note;
pub(crate) use ordeals::Ordeal;
pub(crate) use tale::Tale;
