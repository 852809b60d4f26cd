//! What the end-to-end tests share: plugins that misbehave on request, and the simulation.

pub mod lab;
pub mod sim;
