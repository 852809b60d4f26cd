use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::Stream;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::EventBroadcaster;
use super::receiver::Receiver;

/// Passes events on to any number of subscribers in this process. Clones share the channel.
///
/// It keeps the latest events up to its capacity and never waits: a subscriber that is too slow misses the
/// oldest, and is told how many.
#[derive(Clone, Debug)]
pub struct BroadcastChannel {
    events: broadcast::Sender<Arc<BroadcastEvent>>,
}

/// What a subscriber receives.
#[derive(Clone, PartialEq, Debug)]
pub enum Broadcast {
    /// An event.
    Event(Arc<BroadcastEvent>),
    /// So many events were missed here.
    Missed(u64),
}

/// One event.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct BroadcastEvent {
    /// What happened, as in `text:completed`.
    pub event_type: String,
    /// To what, and with which outcome.
    pub data: Value,
}

/// Receives what is broadcast after it was made.
#[derive(Debug)]
pub struct BroadcastSubscriber {
    events: Receiver<Arc<BroadcastEvent>>,
}

impl BroadcastChannel {
    /// A channel that keeps so many events for subscribers that lag behind, from 1 up to a million. Its room
    /// is allocated at once.
    pub fn new(capacity: usize) -> Self {
        Self { events: broadcast::Sender::new(capacity.clamp(1, 1_000_000)) }
    }

    /// A subscriber to all later events.
    pub fn subscribe(&self) -> BroadcastSubscriber {
        BroadcastSubscriber { events: Receiver::new(self.events.subscribe()) }
    }
}

impl Default for BroadcastChannel {
    /// One that keeps 1024 events.
    fn default() -> Self {
        Self::new(1024)
    }
}

impl EventBroadcaster for BroadcastChannel {
    fn broadcast(&self, event_type: &str, data: Value) {
        // It fails only if nobody listens.
        let _ = self.events.send(Arc::new(BroadcastEvent { event_type: event_type.to_owned(), data }));
    }
}

impl BroadcastSubscriber {
    /// The next event, or how many were missed before it. None when the channel is gone and all was read.
    ///
    /// # Cancel safety
    /// An event is lost only if it was returned.
    pub async fn recv(&mut self) -> Option<Broadcast> {
        broadcast(self.events.recv().await)
    }
}

impl Stream for BroadcastSubscriber {
    type Item = Broadcast;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Broadcast>> {
        self.events.poll_recv(context).map(broadcast)
    }
}

fn broadcast(received: Result<Arc<BroadcastEvent>, RecvError>) -> Option<Broadcast> {
    match received {
        Ok(event) => Some(Broadcast::Event(event)),
        Err(RecvError::Lagged(missed)) => Some(Broadcast::Missed(missed)),
        Err(RecvError::Closed) => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn number(received: Option<Broadcast>) -> u64 {
        match received.unwrap() {
            Broadcast::Event(event) => event.data.as_u64().unwrap(),
            Broadcast::Missed(missed) => panic!("missed {missed}"),
        }
    }

    #[tokio::test]
    async fn every_subscriber_receives_what_comes_after_it() {
        let channel = BroadcastChannel::default();
        channel.broadcast("text:queued", json!(0));
        let mut first = channel.subscribe();
        channel.broadcast("text:queued", json!(1));
        let mut second = channel.subscribe();
        channel.broadcast("text:completed", json!(2));
        drop(channel);
        assert_eq!(number(first.recv().await), 1);
        assert_eq!(number(first.recv().await), 2);
        assert_eq!(first.recv().await, None);
        let event = BroadcastEvent { event_type: "text:completed".into(), data: json!(2) };
        assert_eq!(second.recv().await, Some(Broadcast::Event(Arc::new(event))));
    }

    #[tokio::test]
    async fn a_slow_subscriber_is_told_how_many_it_missed() {
        let channel = BroadcastChannel::new(2);
        let mut slow = channel.subscribe();
        for number in 0..5 {
            channel.broadcast("text:queued", json!(number));
        }
        assert_eq!(slow.recv().await, Some(Broadcast::Missed(3)));
        assert_eq!(number(slow.recv().await), 3);
    }
}
