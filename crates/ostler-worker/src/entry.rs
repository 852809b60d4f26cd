use std::io::{self, Write};
use std::process::exit;
use std::sync::Arc;

use interprocess::TryClone;
use interprocess::local_socket::traits::{Stream as _, StreamCommon as _};
use interprocess::local_socket::{GenericNamespaced, Stream, ToNsName};
use ostler_wire::env;

use crate::serve::serve_over;
use crate::sink::SocketSink;
use crate::source::SocketSource;
use crate::{PluginManager, PluginSet, ServeOptions, fork, job_log, process, stdout};

/// The exit code of a worker that could not serve.
const FAILED: i32 = 1;
/// The exit code of a worker binary that was started by hand.
const NOT_STARTED_BY_A_HOST: i32 = 2;

/// Turns this process into a worker, if a host started it as one; otherwise does nothing.
///
/// Call it first in `main`, before any thread exists and before arguments are read: so not in a `main` with
/// `#[tokio::main]`, which starts threads; put that on another function. In a worker it serves
/// the host and exits the process: it does not return. It removes the variables with socket and
/// token from its environment, so that they do not reach the children of plugins.
pub fn run_if_worker(register: impl FnOnce(&mut PluginSet)) {
    run_if_worker_with(|| registered(register));
}

/// Lets a test program be a worker, as [`run_if_worker`] does for a program with a `main` of its own: for the tests of a
/// host whose workers are the host itself, by `WorkerCommand::current_exe()`.
///
/// Say it once in the test program, outside of any function, with what `run_if_worker` takes. It runs before the `main` of
/// the test program, which knows nothing of workers.
///
/// ```
/// # mod ostler { pub use ostler_worker as worker; }
/// use ostler::worker::PluginSet;
///
/// fn register_all(plugins: &mut PluginSet) {
///     plugins.function("double", |n: u32, _| Ok(n * 2));
/// }
///
/// ostler::worker::worker_in_tests!(register_all);
/// ```
#[macro_export]
macro_rules! worker_in_tests {
    ($register:expr) => {
        const _: () = {
            extern "C" fn become_worker() {
                $crate::run_if_worker($register);
            }
            // The C library calls what stands in this section, before `main`.
            #[used]
            #[unsafe(link_section = ".init_array")]
            static BEFORE_MAIN: extern "C" fn() = become_worker;
        };
    };
}

/// Like [`run_if_worker`], for plugins of another kind. `make` is called only in a worker, and should be
/// quick: slow things belong into [`PluginManager::load_plugin`].
pub fn run_if_worker_with<M: PluginManager>(make: impl FnOnce() -> M) {
    if is_worker() {
        become_worker(make);
    }
}

/// The whole `main` of a program that is only a worker. Started by hand, it says on stderr what it is and
/// exits with 2. It does not return.
pub fn run_worker_binary(register: impl FnOnce(&mut PluginSet)) -> ! {
    if is_worker() {
        become_worker(|| registered(register));
    }
    let plugins = registered(register);
    let names = plugins.names().collect::<Vec<_>>().join(", ");
    // A name need not be text.
    let program = std::env::args_os().next().unwrap_or_default();
    complain(&format!(
        "{} is an Ostler worker: a host program starts it and talks to it over a socket ({} is not \
         set).\nIt is of no use by itself. Give its path to the host, as in WorkerCommand::program(path), or \
         put it beside the host's executable.\nIts plugins: {names}",
        program.to_string_lossy(),
        env::SOCKET
    ));
    exit(NOT_STARTED_BY_A_HOST)
}

fn is_worker() -> bool {
    std::env::var_os(env::SOCKET).is_some()
}

fn registered(register: impl FnOnce(&mut PluginSet)) -> PluginSet {
    let mut plugins = PluginSet::new();
    register(&mut plugins);
    plugins
}

fn become_worker<M: PluginManager>(make: impl FnOnce() -> M) -> ! {
    let code = match work(make) {
        Ok(()) => 0,
        Err(message) => {
            complain(&format!("ostler worker: {message}"));
            FAILED
        }
    };
    exit(code)
}

/// The life of a worker; what keeps it from living is told as text.
fn work<M: PluginManager>(make: impl FnOnce() -> M) -> Result<(), String> {
    let socket = std::env::var_os(env::SOCKET).unwrap_or_default();
    let token = std::env::var(env::TOKEN).ok().and_then(|text| parse_token(&text));
    process::settle()?;
    fork::note_process().map_err(|error| format!("cannot watch for forks: {error}"))?;
    job_log::listen();
    stdout::write_lines_at_once();
    let token = token.ok_or_else(|| {
        format!("{} must be set to 32 hexadecimal digits: start workers only through a host", env::TOKEN)
    })?;
    // Its thread begins while we connect.
    let watch = process::HostWatch::start();
    let connect = || -> io::Result<(Stream, Stream)> {
        let reader = Stream::connect(socket.clone().to_ns_name::<GenericNamespaced>()?)?;
        let writer = reader.try_clone()?;
        Ok((reader, writer))
    };
    let (reader, writer) = connect()
        .map_err(|error| format!("cannot connect to the host at {}: {error}", socket.to_string_lossy()))?;
    // Without credentials the host counts as alive.
    let host = reader.peer_creds().ok().and_then(|host| host.pid()).filter(|&host| host > 0);
    if host.is_some_and(process::is_orphan_of) {
        process::end_group();
    }
    watch.die_with_host(host);

    let (Stream::UdSocket(reader), Stream::UdSocket(writer)) = (reader, writer);
    let mut plugins = make();
    let options = ServeOptions { token, on_hang_up: Arc::new(move || process::end_without_connection(host)) };
    match serve_over(Box::new(SocketSource(reader.into())), SocketSink(writer.into()), &mut plugins, options)
    {
        Ok(()) => Ok(()),
        Err(error) => Err(crate::PluginError::from(error).to_string()),
    }
}

fn parse_token(text: &str) -> Option<[u8; 16]> {
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    let mut token = [0; 16];
    for (byte, digits) in token.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(token)
}

fn complain(text: &str) {
    // With stderr closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "{text}");
}
