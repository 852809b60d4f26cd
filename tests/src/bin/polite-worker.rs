//! A worker whose plugin leaves a word at its end.

fn main() {
    ostler::worker::run_worker_binary(|plugins| plugins.register::<ostler_tests::lab::Farewell>())
}
