//! Whether the kernel tells this process how its children end.
#![expect(unsafe_code, reason = "the standard library does not set actions of signals")]

/// What becomes of children that end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Children {
    /// Their ends are told, as is usual.
    Told,
    /// SIGCHLD is ignored.
    Ignored,
    /// SA_NOCLDWAIT: the kernel reaps them.
    NotKept,
}

pub(crate) fn set_children(children: Children) {
    let (handler, flags) = match children {
        Children::Told => (libc::SIG_DFL, 0),
        Children::Ignored => (libc::SIG_IGN, 0),
        Children::NotKept => (libc::SIG_DFL, libc::SA_NOCLDWAIT),
    };
    // SAFETY: all zeroes are a valid action, no handler of ours is involved, and it outlives the call.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler;
        action.sa_flags = flags;
        libc::sigaction(libc::SIGCHLD, &raw const action, std::ptr::null_mut());
    }
}
