//! What users of the neighbours suffer from, one requirement each, as `docs/supervision.md` lists them.

mod at_rest;
mod cancel;
mod circuit;
mod degraded;
mod drain;
mod escape;
mod forensics;
mod limits;
mod odd_hosts;
mod orphans;
mod pool;
mod quarantine;
mod recycling;
mod time;
mod unread;
