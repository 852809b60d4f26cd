use crate::support::{echo, launch};

#[tokio::test]
async fn a_job_runs_in_a_worker_and_its_output_comes_back() {
    let manager = launch().await;
    let job = manager.start_job("lab", echo("hello")).await.unwrap();
    assert_eq!(job.output().await.unwrap(), "hello");
    manager.shutdown().await.unwrap();
}
