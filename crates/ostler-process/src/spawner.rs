//! How a process is made where the system refuses one that runs beside the thread that makes it, as a filter of system
//! calls may: by threads that wait until it has executed its program.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use super::clone_child::{self, Nascent, Way};

/// Threads that make processes, one for each that is being made. They never end: the kernel takes the thread for the
/// parent of what it makes, and kills the child with it.
pub(super) struct Spawners {
    idle: Arc<Mutex<Vec<mpsc::Sender<Arc<Nascent>>>>>,
    wake: Arc<OwnedFd>,
}

impl Spawners {
    /// Who is woken when a child was made, or could not be.
    pub(super) fn new(wake: Arc<OwnedFd>) -> Self {
        Self { idle: Arc::default(), wake }
    }

    /// Has it made, and does not wait for that.
    ///
    /// # Errors
    /// There is no thread for it.
    pub(super) fn make(&self, nascent: &Arc<Nascent>) -> io::Result<()> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let spawner = match idle {
            Some(spawner) => spawner,
            None => self.start()?,
        };
        spawner
            .send(Arc::clone(nascent))
            .map_err(|_| io::Error::other("a thread that makes processes is gone"))
    }

    fn start(&self) -> io::Result<mpsc::Sender<Arc<Nascent>>> {
        let (sender, inbox) = mpsc::channel::<Arc<Nascent>>();
        let (idle, wake, own) = (Arc::clone(&self.idle), Arc::clone(&self.wake), sender.clone());
        std::thread::Builder::new().name("ostler-spawner".into()).spawn(move || {
            for nascent in inbox {
                if let Err(error) = clone_child::make(&nascent, Way::Before) {
                    clone_child::note_unmade(&nascent, &error);
                }
                // One that was made announces itself, unless it is killed before it can. This fails only when the counter is
                // full, and then the reader is awake.
                let _ = rustix::io::write(&*wake, &1_u64.to_ne_bytes());
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(own.clone());
            }
        })?;
        Ok(sender)
    }
}
