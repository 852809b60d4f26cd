//! The making of a process that shares the memory of this one until it executes its program, and what it does until then.
//!
//! A fork copies the tables of the host's memory, 49 ms for 2 GiB; a spawn of the C library blocks whoever calls it until
//! the program is executed, which on a dead network mount is never. This does neither. The price is that between [`make`]
//! and the program, the child runs in the host's memory beside the host's threads. So it makes raw system calls only: it
//! takes no lock, allocates nothing, cannot panic, and leaves alone even `errno`, which belongs to the thread that made it.
#![expect(unsafe_code, reason = "a process is made, and sets itself up, by raw system calls")]

use std::ffi::{CString, c_char, c_int, c_long, c_void};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

/// Bytes. The child needs a few hundred, and in a build without optimizations a few thousand.
const STACK: usize = 64 * 1024;
/// Bytes that nobody may touch, below the stack: at least a page, which is not larger than this anywhere.
const GUARD: usize = 64 * 1024;

/// How often a child asks the kernel again to set the niceness of its session, and how long it sleeps before. The kernel
/// lets unprivileged users do that ten times a second, all of them together.
const MOST_ASKS: u32 = 100;
static BETWEEN_ASKS: libc::timespec = libc::timespec { tv_sec: 0, tv_nsec: 20_000_000 };

/// What the child could not do. The program was not executed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Session,
    DieWithHost,
    /// The one with this index.
    Limit(usize),
    Nice,
    Directory,
    Output,
    Descriptors,
    Execute,
}

impl Step {
    const fn number(self) -> u32 {
        match self {
            Self::Session => 1,
            Self::DieWithHost => 2,
            Self::Nice => 3,
            Self::Directory => 4,
            Self::Output => 5,
            Self::Descriptors => 6,
            Self::Execute => 7,
            Self::Limit(index) => 8 + index as u32,
        }
    }

    const fn of(number: u32) -> Option<Self> {
        Some(match number {
            0 => return None,
            1 => Self::Session,
            2 => Self::DieWithHost,
            3 => Self::Nice,
            4 => Self::Directory,
            5 => Self::Output,
            6 => Self::Descriptors,
            7 => Self::Execute,
            index => Self::Limit((index - 8) as usize),
        })
    }
}

/// Whether a child still uses the memory of its host. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct SharesMemory(Arc<AtomicI32>);

impl SharesMemory {
    pub(super) fn get(&self) -> bool {
        self.0.load(Ordering::Acquire) != 0
    }
}

/// What a child is told, in memory that both have.
pub(super) struct Orders {
    pub(super) program: CString,
    pub(super) arguments: StringList,
    pub(super) environment: StringList,
    /// Else the host's.
    pub(super) directory: Option<CString>,
    /// What become its standard descriptors; all above 2.
    pub(super) standard: [RawFd; 3],
    pub(super) limits: Vec<Limit>,
    pub(super) nice: Option<c_int>,
    /// What to write to `/proc/self/autogroup`, if anything.
    pub(super) autogroup: Option<Vec<u8>>,
    /// An event counter, to be written to when the child is there.
    pub(super) announce: Option<RawFd>,
    pub(super) host: c_int,
}

/// As `prlimit` takes it.
pub(super) struct Limit {
    pub(super) resource: c_int,
    /// The soft and the hard one.
    pub(super) values: [u64; 2],
}

/// As `execve` takes it.
pub(super) struct StringList {
    pointers: Vec<*const c_char>,
    /// What the pointers point to, wherever this is moved.
    _strings: Vec<CString>,
}

impl StringList {
    pub(super) fn new(strings: Vec<CString>) -> Self {
        let pointers = strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect();
        Self { pointers, _strings: strings }
    }
}

/// A child that is to be made, or was, with all that it needs until its program is executed.
pub(super) struct Nascent {
    orders: Orders,
    stack: Stack,
    shares_memory: SharesMemory,
    /// The child's number, or what the system said instead, negated; 0 until one of these is known.
    made: AtomicI32,
    pidfd: AtomicI32,
    failed_step: AtomicU32,
    errno: AtomicI32,
    /// Why the niceness of the session could not be set, if it could not.
    autogroup_errno: AtomicI32,
}

// SAFETY: the pointers are to memory that this owns, and that nobody writes to.
unsafe impl Send for Nascent {}
// SAFETY: as above; what is written to after it is made, is atomic.
unsafe impl Sync for Nascent {}

/// Who goes on first, the child or the thread that makes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    /// Both at once.
    Beside,
    /// The thread waits until the child has executed its program or ended.
    Before,
}

/// Whether a thread may go on beside the child that it makes: the child must not touch the thread's `errno`, so its system
/// calls have to be spelled out for the processor.
pub(super) const CAN_GO_BESIDE: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));

impl Nascent {
    /// # Errors
    /// There is no memory for a stack.
    pub(super) fn new(orders: Orders) -> io::Result<Self> {
        Ok(Self {
            orders,
            stack: Stack::new()?,
            shares_memory: SharesMemory(Arc::new(AtomicI32::new(0))),
            made: AtomicI32::new(0),
            pidfd: AtomicI32::new(-1),
            failed_step: AtomicU32::new(0),
            errno: AtomicI32::new(0),
            autogroup_errno: AtomicI32::new(0),
        })
    }

    pub(super) fn shares_memory(&self) -> SharesMemory {
        self.shares_memory.clone()
    }

    /// The child's number once it is made, or why it was not.
    pub(super) fn made(&self) -> Option<io::Result<i32>> {
        match self.made.load(Ordering::Acquire) {
            0 => None,
            pid if pid > 0 => Some(Ok(pid)),
            error => Some(Err(io::Error::from_raw_os_error(-error))),
        }
    }

    /// The child's descriptor, once, if it is made.
    pub(super) fn take_pidfd(&self) -> Option<OwnedFd> {
        let descriptor = self.pidfd.swap(-1, Ordering::AcqRel);
        // SAFETY: the kernel opened it for us, and it is taken only once.
        (descriptor >= 0).then(|| unsafe { OwnedFd::from_raw_fd(descriptor) })
    }

    /// Why the program was not executed. Ask once the child is gone.
    pub(super) fn failure(&self) -> Option<(Step, io::Error)> {
        let step = Step::of(self.failed_step.load(Ordering::Acquire))?;
        Some((step, io::Error::from_raw_os_error(self.errno.load(Ordering::Acquire))))
    }

    /// Why the niceness of the session could not be set, if it could not.
    pub(super) fn autogroup_failure(&self) -> Option<io::Error> {
        match self.autogroup_errno.load(Ordering::Acquire) {
            0 => None,
            number => Some(io::Error::from_raw_os_error(number)),
        }
    }
}

impl Drop for Nascent {
    fn drop(&mut self) {
        // The kernel opened it, and nobody took it.
        drop(self.take_pidfd());
    }
}

/// Makes the child. Once it is made, [`Nascent::made`] says so, to whoever asks; with [`Way::Before`] that is before this
/// returns. The thread that calls this must not end before the child does: the kernel takes it for the child's parent.
pub(super) fn make(nascent: &Arc<Nascent>, way: Way) -> io::Result<()> {
    // The child has this too, until the kernel says that it has its own memory.
    let theirs: *const Nascent = Arc::into_raw(Arc::clone(nascent));
    nascent.shares_memory.0.store(1, Ordering::Release);
    let mut flags = libc::CLONE_VM | libc::CLONE_PIDFD | libc::CLONE_CHILD_CLEARTID | libc::SIGCHLD;
    if way == Way::Before || !CAN_GO_BESIDE {
        flags |= libc::CLONE_VFORK;
    }
    let (all, mut before) = (u64::MAX, 0_u64);
    // SAFETY: `begin` never returns, and uses only what `theirs` points to. The stack is the child's alone. The kernel
    // writes to `pidfd` now, and to `shares_memory` when the child lets go of this memory; both are alive then, as `theirs`
    // is a hold on them. With no signal let through, no handler runs on the child's side; the mask of this thread is put
    // back. The C library's function for the mask would leave out two signals that it uses itself.
    let (made, error) = unsafe {
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const all, &raw mut before, 8);
        let made = libc::clone(
            begin,
            nascent.stack.top(),
            flags,
            theirs.cast_mut().cast(),
            nascent.pidfd.as_ptr(),
            ptr::null_mut::<c_void>(),
            nascent.shares_memory.0.as_ptr(),
        );
        let error = io::Error::last_os_error();
        libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const before, ptr::null::<u64>(), 8);
        (made, error)
    };
    if made < 0 {
        nascent.shares_memory.0.store(0, Ordering::Release);
        // SAFETY: it came from `into_raw` above, and no child was made that could have it.
        drop(unsafe { Arc::from_raw(theirs) });
        return Err(error);
    }
    nascent.made.store(made, Ordering::Release);
    Ok(())
}

/// Notes why nothing was made, for whoever asks [`Nascent::made`].
pub(super) fn note_unmade(nascent: &Nascent, error: &io::Error) {
    nascent.made.store(-error.raw_os_error().unwrap_or(libc::EAGAIN), Ordering::Release);
}

/// Gives back what the child had, if it has let go of it. Says whether it has. To be called until it says so, and then never
/// again.
pub(super) fn release(nascent: &Arc<Nascent>) -> bool {
    if nascent.shares_memory.get() {
        return false;
    }
    // SAFETY: this is the hold that `make` gave to the child, which does not use it any more; it is given back once.
    unsafe { Arc::decrement_strong_count(Arc::as_ptr(nascent)) };
    true
}

/// The child's life until its program.
extern "C" fn begin(nascent: *mut c_void) -> c_int {
    // SAFETY: `make` holds it for us.
    let nascent = unsafe { &*nascent.cast::<Nascent>().cast_const() };
    let (step, errno) = become_program(nascent);
    nascent.errno.store(errno, Ordering::Release);
    nascent.failed_step.store(step.number(), Ordering::Release);
    loop {
        // SAFETY: it takes a number, and ends this process and no thread of the host.
        let _ = unsafe { call(libc::SYS_exit_group, [127, 0, 0, 0, 0]) };
    }
}

/// Returns only what went wrong.
fn become_program(nascent: &Nascent) -> (Step, c_int) {
    let orders = &nascent.orders;
    match set_up(nascent) {
        Ok(()) => {}
        Err(failure) => return failure,
    }
    let (program, arguments) = (orders.program.as_ptr(), orders.arguments.pointers.as_ptr());
    let environment = orders.environment.pointers.as_ptr();
    // SAFETY: strings have a zero at their end and lists a null at theirs, and all live until this memory is let go of.
    let result =
        unsafe { call(libc::SYS_execve, [program as usize, arguments as usize, environment as usize, 0, 0]) };
    (Step::Execute, result.err().unwrap_or(0))
}

fn set_up(nascent: &Nascent) -> Result<(), (Step, c_int)> {
    let orders = &nascent.orders;
    let failed = |step| move |errno| (step, errno);
    // SAFETY: each call gets numbers, and addresses of what is alive for as long as it takes; what the kernel writes to is
    // this function's own or none.
    unsafe {
        if let Some(counter) = orders.announce {
            let pid = call(libc::SYS_getpid, [0; 5]).unwrap_or(0);
            nascent.made.store(pid as c_int, Ordering::Release);
            let one = 1_u64;
            // It fails only when the counter is full, and then it is looked at anyway.
            let _ = call(libc::SYS_write, [counter as usize, &raw const one as usize, 8, 0, 0]);
        }
        // The host's handlers must not run here: a signal ends us, as it would the program.
        let default = [0_usize; 4];
        for signal in 1..=64_usize {
            // It fails for SIGKILL and SIGSTOP.
            let _ = call(libc::SYS_rt_sigaction, [signal, &raw const default as usize, 0, 8, 0]);
        }
        call(libc::SYS_setsid, [0; 5]).map_err(failed(Step::Session))?;
        let die = [libc::PR_SET_PDEATHSIG as usize, libc::SIGKILL as usize, 0, 0, 0];
        call(libc::SYS_prctl, die).map_err(failed(Step::DieWithHost))?;
        if call(libc::SYS_getppid, [0; 5]) != Ok(orders.host as usize) {
            return Err((Step::DieWithHost, libc::ESRCH));
        }
        let mut number = 0_usize;
        for descriptor in &orders.standard {
            call(libc::SYS_dup3, [*descriptor as usize, number, 0, 0, 0]).map_err(failed(Step::Output))?;
            number = number.wrapping_add(1);
        }
        // Closed now and not by the execution. That, and the next directory, may take long, and nobody is to wait for us to let
        // go of a socket.
        call(libc::SYS_close_range, [3, u32::MAX as usize, 0, 0, 0]).map_err(failed(Step::Descriptors))?;
        if let Some(nice) = orders.nice {
            call(libc::SYS_setpriority, [libc::PRIO_PROCESS as usize, 0, nice as usize, 0, 0])
                .map_err(failed(Step::Nice))?;
        }
        if let Some(text) = &orders.autogroup {
            nascent.autogroup_errno.store(set_autogroup(text), Ordering::Release);
        }
        if let Some(directory) = &orders.directory {
            let path = directory.as_ptr() as usize;
            call(libc::SYS_chdir, [path, 0, 0, 0, 0]).map_err(failed(Step::Directory))?;
        }
        // Last: a low one must not be in the way of what comes before.
        let mut index = 0;
        for limit in &orders.limits {
            call(libc::SYS_prlimit64, [0, limit.resource as usize, limit.values.as_ptr() as usize, 0, 0])
                .map_err(failed(Step::Limit(index)))?;
            index = index.saturating_add(1);
        }
        let none = 0_u64;
        let unblock = [libc::SIG_SETMASK as usize, &raw const none as usize, 0, 8, 0];
        // It takes any mask.
        let _ = call(libc::SYS_rt_sigprocmask, unblock);
    }
    Ok(())
}

/// Sets the niceness of our session, and returns what the system said if it cannot be, or 0. A system without this kind of
/// scheduling has no such file, and heeds the niceness of the process.
fn set_autogroup(text: &[u8]) -> c_int {
    // SAFETY: the path has a zero at its end, the text is as long as is said, and the time is a constant.
    unsafe {
        let path = c"/proc/self/autogroup".as_ptr() as usize;
        let open = [libc::AT_FDCWD as usize, path, (libc::O_WRONLY | libc::O_CLOEXEC) as usize, 0, 0];
        let file = match call(libc::SYS_openat, open) {
            Ok(file) => file,
            Err(libc::ENOENT) => return 0,
            Err(errno) => return errno,
        };
        let mut asks = 0;
        let answer = loop {
            match call(libc::SYS_write, [file, text.as_ptr() as usize, text.len(), 0, 0]) {
                Ok(_) => break 0,
                Err(libc::EAGAIN) if asks < MOST_ASKS => {
                    asks = asks.saturating_add(1);
                    let pause = &raw const BETWEEN_ASKS as usize;
                    let _ = call(libc::SYS_nanosleep, [pause, 0, 0, 0, 0]);
                }
                Err(errno) => break errno,
            }
        };
        let _ = call(libc::SYS_close, [file, 0, 0, 0, 0]);
        answer
    }
}

/// A system call that leaves `errno` alone.
///
/// # Safety
/// As of the call that is meant.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn call(number: c_long, arguments: [usize; 5]) -> Result<usize, c_int> {
    let [a, b, c, d, e] = arguments;
    let result: isize;
    // SAFETY: as the caller says. The kernel overwrites two registers, and no stack.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
            lateout("rcx") _, lateout("r11") _,
            options(nostack)
        );
    }
    outcome(result)
}

/// As above.
///
/// # Safety
/// As of the call that is meant.
#[cfg(target_arch = "aarch64")]
#[inline(always)]
unsafe fn call(number: c_long, arguments: [usize; 5]) -> Result<usize, c_int> {
    let [a, b, c, d, e] = arguments;
    let result: isize;
    // SAFETY: as the caller says. The kernel overwrites no register but the result's, and no stack.
    unsafe {
        std::arch::asm!(
            "svc 0",
            in("x8") number,
            inlateout("x0") a as isize => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e,
            options(nostack)
        );
    }
    outcome(result)
}

/// As above, but for `errno`: whoever shares it waits meanwhile, see [`CAN_GO_BESIDE`].
///
/// # Safety
/// As of the call that is meant.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
unsafe fn call(number: c_long, arguments: [usize; 5]) -> Result<usize, c_int> {
    let [a, b, c, d, e] = arguments;
    // SAFETY: as the caller says.
    match unsafe { libc::syscall(number, a, b, c, d, e) } {
        // SAFETY: it is the address of this thread's own.
        -1 => Err(unsafe { *libc::__errno_location() }),
        result => Ok(result as usize),
    }
}

#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#[inline(always)]
const fn outcome(result: isize) -> Result<usize, c_int> {
    if result < 0 && result > -4096 { Err(-result as c_int) } else { Ok(result as usize) }
}

/// Memory for a child to run on.
struct Stack {
    bottom: *mut c_void,
}

impl Stack {
    fn new() -> io::Result<Self> {
        // SAFETY: the kernel chooses where, so nothing else is there; the guard is a part of it.
        unsafe {
            let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
            let bottom =
                mmap_anonymous(ptr::null_mut(), GUARD + STACK, ProtFlags::READ | ProtFlags::WRITE, flags)?;
            let stack = Self { bottom };
            mprotect(bottom, GUARD, MprotectFlags::empty())?;
            Ok(stack)
        }
    }

    fn top(&self) -> *mut c_void {
        self.bottom.wrapping_byte_add(GUARD + STACK)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: nobody runs on it any more: a child that does has a hold on what owns this. It fails only if it is none
        // of ours.
        let _ = unsafe { munmap(self.bottom, GUARD + STACK) };
    }
}
