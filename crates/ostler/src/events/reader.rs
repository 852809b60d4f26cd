//! What the readers of a job's events and of a manager's have in common.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use tokio::sync::futures::Notified;
use tokio::task::coop::{consume_budget, poll_proceed};

use super::Missed;
use super::shelf::Event;

/// What a reader finds.
pub(super) enum Found<E> {
    Event(E),
    Missed(Missed),
    NothingYet,
    End,
}

impl<E: Event + Clone> Found<E> {
    /// For who wants the event of this number, and the first one that is held from there on.
    pub(super) fn at(next: u64, event: &E) -> Self {
        match event.seq().saturating_sub(next) {
            0 => Self::Event(event.clone()),
            count => Self::Missed(Missed { count }),
        }
    }

    /// The number that is wanted next.
    pub(super) const fn follows(&self, next: u64) -> u64 {
        match self {
            Self::Event(_) => next + 1,
            Self::Missed(missed) => next + missed.count,
            Self::NothingYet | Self::End => next,
        }
    }
}

/// What comes next in a log. `grown` returns when something was added to it since it was made.
///
/// # Cancel safety
/// Cancel safe, if `read` goes on only when it finds something.
pub(super) async fn next<'a, E>(
    grown: impl Fn() -> Notified<'a>,
    mut read: impl FnMut() -> Found<E>,
) -> Option<Result<E, Missed>> {
    // A long log must not take the turn of others.
    consume_budget().await;
    loop {
        // Registered before the look, so that nothing can come in between unseen.
        let mut grown = pin!(grown());
        grown.as_mut().enable();
        match read() {
            Found::Event(event) => return Some(Ok(event)),
            Found::Missed(missed) => return Some(Err(missed)),
            Found::End => return None,
            Found::NothingYet => grown.await,
        }
    }
}

/// Returns when a log has something new.
///
/// # Cancel safety
/// Cancel safe.
pub(super) async fn news(grown: Notified<'_>, has_news: impl FnOnce() -> bool) {
    let mut grown = pin!(grown);
    grown.as_mut().enable();
    if !has_news() {
        grown.await;
    }
}

/// What a reader that is polled waits for. Only who polls pays an allocation, for each time that there is nothing yet.
#[derive(Default)]
pub(super) struct Waiting(Option<Pin<Box<dyn Future<Output = ()> + Send + Sync>>>);

impl Waiting {
    /// The same as [`next`], for a stream. `news` returns when there is something to read.
    pub(super) fn poll_next<E, F: Future<Output = ()> + Send + Sync + 'static>(
        &mut self,
        context: &mut Context<'_>,
        mut read: impl FnMut() -> Found<E>,
        news: impl Fn() -> F,
    ) -> Poll<Option<Result<E, Missed>>> {
        let turn = ready!(poll_proceed(context));
        loop {
            let told = match read() {
                Found::Event(event) => Some(Ok(event)),
                Found::Missed(missed) => Some(Err(missed)),
                Found::End => None,
                Found::NothingYet => {
                    ready!(self.0.get_or_insert_with(|| Box::pin(news())).as_mut().poll(context));
                    self.0 = None;
                    continue;
                }
            };
            turn.made_progress();
            return Poll::Ready(told);
        }
    }
}
