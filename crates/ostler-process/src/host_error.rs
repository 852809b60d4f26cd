/// What keeps a process from having workers.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HostError {
    /// SIGCHLD is ignored, or has SA_NOCLDWAIT. That is inherited from whoever started this program.
    #[error(
        "it ignores SIGCHLD (or has SA_NOCLDWAIT for it), so the kernel reaps what it starts before anybody can tell how it \
         ended; set SIGCHLD to its default before the launch, as with signal(SIGCHLD, SIG_DFL), or start this program by \
         one that does not ignore it"
    )]
    ChildrenNotReported,
    /// It was forked from a process that had made workers, and what looks after them stayed there.
    #[error(
        "it was forked from process {parent}, in which a manager had been launched already, and the thread that makes \
         workers does not come with a fork; fork before the first launch, or execute a program in the forked process"
    )]
    Forked {
        /// The process in which a manager was launched.
        parent: i32,
    },
    /// What a maker of another kind needs.
    #[error("{0}")]
    Other(String),
}
