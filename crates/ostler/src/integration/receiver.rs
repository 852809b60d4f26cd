use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

/// The receiving end of a broadcast channel, for readers that await it and for readers that poll it.
///
/// Only who polls pays an allocation, for each time that there is nothing to read yet.
pub(crate) struct Receiver<T>(State<T>);

type Received<T> = (Result<T, RecvError>, broadcast::Receiver<T>);

enum State<T> {
    Ready(broadcast::Receiver<T>),
    Receiving(Pin<Box<dyn Future<Output = Received<T>> + Send + Sync>>),
    /// While one becomes the other.
    Turning,
}

impl<T: Clone + Send + 'static> Receiver<T> {
    pub(crate) const fn new(receiver: broadcast::Receiver<T>) -> Self {
        Self(State::Ready(receiver))
    }

    /// # Cancel safety
    /// Cancel safe.
    pub(crate) async fn recv(&mut self) -> Result<T, RecvError> {
        match &mut self.0 {
            State::Ready(receiver) => receiver.recv().await,
            _ => std::future::poll_fn(|context| self.poll_recv(context)).await,
        }
    }

    pub(crate) fn poll_recv(&mut self, context: &mut Context<'_>) -> Poll<Result<T, RecvError>> {
        loop {
            match std::mem::replace(&mut self.0, State::Turning) {
                State::Ready(mut receiver) => match receiver.try_recv() {
                    Err(broadcast::error::TryRecvError::Empty) => {
                        self.0 = State::Receiving(Box::pin(async move {
                            let received = receiver.recv().await;
                            (received, receiver)
                        }));
                    }
                    received => {
                        self.0 = State::Ready(receiver);
                        return Poll::Ready(received.map_err(|error| match error {
                            broadcast::error::TryRecvError::Lagged(missed) => RecvError::Lagged(missed),
                            _ => RecvError::Closed,
                        }));
                    }
                },
                State::Receiving(mut receiving) => {
                    let Poll::Ready((received, receiver)) = receiving.as_mut().poll(context) else {
                        self.0 = State::Receiving(receiving);
                        return Poll::Pending;
                    };
                    self.0 = State::Ready(receiver);
                    return Poll::Ready(received);
                }
                // Nothing is left in it: the receiver's code does not panic.
                State::Turning => return Poll::Ready(Err(RecvError::Closed)),
            }
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
