//! What the harness starts: workers, and the children of the limits. It has no runtime in it, and no command line.

fn main() {
    ostler_bench::worker_main();
}
