//! A worker whose requests and results may break it.

fn main() {
    ostler::worker::run_worker_binary(|plugins| plugins.register::<ostler_tests::lab::Fragile>())
}
