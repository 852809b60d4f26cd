use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Instant;

use super::Child;
use crate::Result;
use crate::line::PAYLOAD;

/// L2: so many jobs of 64 bytes through so many children, one write a job and nobody waits for an answer before the
/// next; in jobs per second.
pub(crate) fn jobs_per_second(children: &[Child], count: usize) -> Result<f64> {
    let share = count / children.len();
    let begun = Instant::now();
    thread::scope(|scope| {
        let mut ends = Vec::new();
        for child in children {
            let (mut out, mut back) = (child.socket.try_clone()?, child.socket.try_clone()?);
            ends.push(scope.spawn(move || (0..share).try_for_each(|_| out.write_all(&[1; PAYLOAD]))));
            ends.push(scope.spawn(move || read_all(&mut back, share * PAYLOAD)));
        }
        for end in ends {
            end.join().map_err(|_| "a thread of the limit has panicked")??;
        }
        Ok((share * children.len()) as f64 / begun.elapsed().as_secs_f64())
    })
}

fn read_all(socket: &mut UnixStream, mut left: usize) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    while left > 0 {
        let read = socket.read(&mut buffer)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        left -= read.min(left);
    }
    Ok(())
}

/// The child's part: reads as much as there is, and answers each job with a write of its own.
pub(super) fn answer(socket: &mut UnixStream) -> std::io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    let mut begun = 0;
    loop {
        let read = socket.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        begun += read;
        while begun >= PAYLOAD {
            socket.write_all(&[1; PAYLOAD])?;
            begun -= PAYLOAD;
        }
    }
}
