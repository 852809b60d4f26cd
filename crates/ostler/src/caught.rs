//! How the host's own code is called: a panic in it is a value, and ends nothing of ours.

use std::any::Any;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

pub(crate) use ostler_process::say;

use crate::HookPanicked;
use crate::job::panic_message;

/// What a hook of the host returned, or that it panicked.
pub(crate) fn hook<T>(hook: &'static str, call: impl FnOnce() -> T) -> Result<T, HookPanicked> {
    catch_unwind(AssertUnwindSafe(call)).map_err(|panic| HookPanicked::new(hook, &*panic))
}

/// The future's output, or what it panicked with; after a panic it is never polled again.
pub(crate) async fn caught<F: Future>(future: F) -> Result<F::Output, Box<dyn Any + Send>> {
    let mut future = pin!(future);
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

/// Drops what may be a type of the host's.
pub(crate) fn drop_of_host<T>(value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        let message = panic_message(&*panic);
        say!(error, message, "a value of the host panicked when it was dropped");
    }
}

/// Drops it like [`drop_of_host`], also when whoever holds it is dropped.
pub(crate) struct OfHost<T>(Option<T>);

impl<T> OfHost<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Some(value))
    }

    pub(crate) const fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }
}

impl<T> Drop for OfHost<T> {
    fn drop(&mut self) {
        drop_of_host(self.0.take());
    }
}
