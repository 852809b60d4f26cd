use std::io;
use std::time::{Duration, Instant};

use crate::source::Source;

/// Looks for the next command a little while before it sleeps: to wake a sleeping core takes longer than a small job.
///
/// It does so only where it pays: if the last wait was so short that a look of that length would have met the command.
/// So a worker that becomes idle spins once more, and then sleeps.
pub(crate) struct Spin {
    longest: Duration,
    pays: bool,
}

impl Spin {
    /// Never spins.
    pub(crate) const fn none() -> Self {
        Self::new(Duration::ZERO)
    }

    pub(crate) const fn new(longest: Duration) -> Self {
        Self { longest, pays: false }
    }

    /// Waits for the next bytes.
    pub(crate) fn read(&mut self, source: &mut dyn Source, buffer: &mut [u8]) -> io::Result<usize> {
        if self.longest.is_zero() {
            return source.read(buffer);
        }
        let begin = Instant::now();
        let read = if self.pays { self.look(begin, source, buffer) } else { None };
        let read = read.unwrap_or_else(|| source.read(buffer));
        self.pays = begin.elapsed() <= self.longest;
        read
    }

    fn look(&self, begin: Instant, source: &mut dyn Source, buffer: &mut [u8]) -> Option<io::Result<usize>> {
        while begin.elapsed() < self.longest {
            match source.read_now(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                read => return Some(read),
            }
            // Whoever could use this core meanwhile, the host perhaps, goes first.
            std::thread::yield_now();
        }
        None
    }
}
