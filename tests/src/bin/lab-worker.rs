//! A worker with the plugins of the lab.

fn main() {
    ostler::worker::run_worker_binary(ostler_tests::lab::register_all)
}
