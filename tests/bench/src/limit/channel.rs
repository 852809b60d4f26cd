use std::sync::mpsc;

use crate::Result;
use crate::line::PAYLOAD;
use crate::stage::Queued;

/// L8: so many payloads pushed into a channel that nobody reads.
pub(crate) async fn push(count: usize) -> Result<Queued> {
    let (sender, receiver) = mpsc::channel::<(u64, Vec<u8>)>();
    let queued =
        Queued::measure(count, async |number| Ok(sender.send((number as u64, vec![1; PAYLOAD]))?)).await;
    drop(receiver);
    queued
}
