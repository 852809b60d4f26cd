//! Those who do something to the manager, each with dice of its own, until the world closes.

mod assassin;
mod canceller;
mod collector;
mod feeder;
mod follower;
mod governor;
mod hand;
mod herald;
mod inquirer;
mod lot;
mod warden;

pub(crate) use assassin::assassinate;
pub(crate) use canceller::cancel_many;
pub(crate) use collector::{collect, collect_now};
pub(crate) use feeder::{Fed, feed, start};
pub(crate) use governor::{bring_up, govern};
pub(crate) use hand::wake;
pub(crate) use herald::Herald;
pub(crate) use inquirer::inquire;
pub(crate) use lot::Lot;
pub(crate) use warden::guard;
