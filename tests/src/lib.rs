//! What the end-to-end tests share: plugins that misbehave on request, and a job type for them.

pub mod lab;
