//! The guarantees of the design, one module each. A process in uninterruptible sleep cannot be had at will: what
//! becomes of its job and its slot is left to the simulation.

mod agreement;
mod budget;
mod cancel;
mod chaos;
mod crossing;
mod death;
mod killed_host;
mod leftovers;
mod one_worker;
mod order;
