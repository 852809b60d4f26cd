//! 5. A result that crosses a cancel or a timeout: the first one handled wins, and everyone sees the same one.

use std::time::{Duration, Instant};

use ostler::{CancelOutcome, FailureKind, JobStatus};
use ostler_tests::lab::Task;

use super::agreement::agreed_end;
use crate::support::{lab, launch, started, workers};

/// How often each side must win before a race counts as one.
const WINS: usize = 10;
const ROUNDS: usize = 600;

/// Searches for the moment at which two things coincide: whoever wins has a harder time in the next round.
struct Race {
    time: Duration,
    wins: [usize; 2],
}

impl Race {
    fn new(time: Duration) -> Self {
        Self { time, wins: [0, 0] }
    }

    fn is_on(&self) -> bool {
        let rounds = self.wins.iter().sum::<usize>();
        assert!(rounds < ROUNDS, "no race: {:?}", self.wins);
        self.wins.iter().any(|wins| *wins < WINS)
    }

    /// The result was there first: let it take longer; or it was not.
    fn won(&mut self, by_result: bool) {
        self.wins[usize::from(by_result)] += 1;
        self.time = self.time.mul_f64(if by_result { 1.3 } else { 0.8 });
    }
}

/// What a cancel gives a job as a start: else the shortest job could not win.
const START: Duration = Duration::from_millis(1);

async fn give_a_start() {
    let begin = Instant::now();
    while begin.elapsed() < START {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn guarantee_5_a_result_that_crosses_a_cancel_is_the_same_for_everyone() {
    let manager = launch().await;
    let mut race = Race::new(START);
    while race.is_on() {
        let job = manager.start_job("lab", Task::Linger(race.time)).await.unwrap();
        started(&job).await;
        give_a_start().await;
        let (first, second, third) = tokio::join!(job.cancel(), manager.cancel_job(job.id()), job.cancel());
        let status = agreed_end(&manager, &job).await;
        let cancelled = status == JobStatus::Cancelled;
        assert!(cancelled || status == JobStatus::Completed, "{status:?}");
        let outcome = if cancelled { CancelOutcome::Cancelled } else { CancelOutcome::EndedFirst };
        assert_eq!(second, Ok(cancelled));
        for told in [first, third] {
            let told = told.unwrap();
            // The result may have been there before the cancel, too.
            assert!(told == outcome || (!cancelled && told == CancelOutcome::AlreadyEnded), "{told:?}");
        }
        race.won(!cancelled);
    }
    println!("[cancel, result] won {:?}", race.wins);
    manager.shutdown().await.unwrap();
}

/// The same, with readers on other threads than those that handle it.
#[tokio::test(flavor = "multi_thread")]
async fn guarantee_5_a_result_that_crosses_a_cancel_is_the_same_on_all_threads() {
    let manager = lab().config(workers(3)).launch().await.unwrap();
    let runner = |number: u64| {
        let manager = manager.clone();
        tokio::spawn(async move {
            let mut race = Race::new(START.mul_f64(0.5 + 0.25 * number as f64));
            while race.is_on() {
                let job = manager.start_job("lab", Task::Linger(race.time)).await.unwrap();
                started(&job).await;
                give_a_start().await;
                let (asked, id) = (manager.clone(), job.id());
                let other = tokio::spawn(async move { asked.cancel_job(id).await.unwrap() });
                let cancelled = job.cancel().await.unwrap().is_cancelled();
                let other = other.await.unwrap();
                let status = agreed_end(&manager, &job).await;
                assert_eq!(cancelled || other, status == JobStatus::Cancelled, "{status:?}");
                race.won(status == JobStatus::Completed);
            }
            race.wins
        })
    };
    for race in [runner(0), runner(1), runner(2)] {
        println!("[cancel, result] won {:?}", race.await.unwrap());
    }
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_5_a_result_that_crosses_a_timeout_is_the_same_for_everyone() {
    let manager = launch().await;
    let timeout = Duration::from_millis(20);
    let mut race = Race::new(timeout);
    while race.is_on() {
        let request = manager.job("lab", Task::Linger(race.time)).timeout(timeout);
        let job = request.start().await.unwrap();
        let status = agreed_end(&manager, &job).await;
        let completed = status == JobStatus::Completed;
        if !completed {
            let failure = job.output().await.unwrap_err().failure().cloned().unwrap();
            assert_eq!(failure.kind, FailureKind::TimedOut);
        }
        race.won(completed);
    }
    println!("[timeout, result] won {:?}", race.wins);
    manager.shutdown().await.unwrap();
}

#[tokio::test]
async fn guarantee_5_a_cancel_that_crosses_a_timeout_is_the_same_for_everyone() {
    let manager = launch().await;
    let timeout = Duration::from_millis(10);
    let mut race = Race::new(timeout);
    while race.is_on() {
        let request = manager.job("lab", Task::Spin).timeout(timeout);
        let job = request.start().await.unwrap();
        // It stands for whatever the host does before it cancels.
        let _ = tokio::time::timeout(race.time, job.finished()).await;
        let cancelled = job.cancel().await.unwrap().is_cancelled();
        let status = agreed_end(&manager, &job).await;
        assert_eq!(cancelled, status == JobStatus::Cancelled, "{status:?}");
        race.won(cancelled);
    }
    println!("[timeout, cancel] won {:?}", race.wins);
    manager.shutdown().await.unwrap();
}
