use std::time::Duration;

use ostler::WorkerConfig;
use ostler_tests::lab::Task;

use super::{MIB, attachments, forgetful, is_filled, only_worker};
use crate::support::lab;

/// Red if the news that a segment was let go may overtake the result that refers to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_sends_back_what_it_got_and_copies_more_may_be_asked_for_its_state() {
    let config = WorkerConfig { heartbeat_interval: Duration::from_millis(5), ..forgetful() };
    let manager = lab().config(config).launch().await.unwrap();
    let pid = only_worker(&manager);
    let asks = {
        let manager = manager.clone();
        tokio::spawn(async move {
            loop {
                manager.get_worker_state().await.unwrap();
                tokio::task::yield_now().await;
            }
        })
    };
    for value in 0..10 {
        // To copy takes long enough that a question comes in between.
        let copied = (0..3).map(|_| Task::FillOwn(4 * MIB, value));
        let task = Task::Steps(std::iter::once(Task::Attachments).chain(copied).collect());
        let request = manager.job("lab", task).attach("a", "", vec![value; MIB]);
        let back = attachments(request.start().await.unwrap()).await;
        assert!(is_filled(&back[0], MIB, value), "job {value}");
        assert!(back[1..].iter().all(|part| is_filled(part, 4 * MIB, value)), "job {value}");
        assert_eq!(only_worker(&manager), pid, "it is the same worker");
    }
    asks.abort();
    manager.shutdown().await.unwrap();
}
