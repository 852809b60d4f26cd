use std::time::Instant;

use super::sample::Sample;
use crate::Result;
use crate::limit::Child;

/// SIGKILL and `waitpid` of a busy loop that holds so much memory, then spawn and first echo of another child.
pub(super) fn kill_then_spawn(mebibytes: usize) -> Result<Sample> {
    let mut child = spinning(mebibytes)?;
    let begun = Instant::now();
    child.kill_and_wait()?;
    let dead = begun.elapsed().as_nanos() as f64;
    let mut next = Child::spawn("echo", &["1", "1"])?;
    next.echo_byte()?;
    Ok(Sample { dead, next: begun.elapsed().as_nanos() as f64 })
}

/// The same with another child that was made before, and sleeps.
pub(super) fn kill_with_spare(mebibytes: usize) -> Result<Sample> {
    let (mut child, mut spare) = (spinning(mebibytes)?, spare()?);
    let begun = Instant::now();
    child.kill_and_wait()?;
    let dead = begun.elapsed().as_nanos() as f64;
    spare.echo_byte()?;
    Ok(Sample { dead, next: begun.elapsed().as_nanos() as f64 })
}

/// The same, and the spare child is not kept waiting for the death of the other.
pub(super) fn kill_beside_spare(mebibytes: usize) -> Result<Sample> {
    let (mut child, mut spare) = (spinning(mebibytes)?, spare()?);
    let begun = Instant::now();
    child.kill()?;
    spare.echo_byte()?;
    let next = begun.elapsed().as_nanos() as f64;
    child.kill_and_wait()?;
    Ok(Sample { dead: begun.elapsed().as_nanos() as f64, next })
}

fn spinning(mebibytes: usize) -> Result<Child> {
    let mut child = Child::spawn("spin", &[&mebibytes.to_string()])?;
    child.first_byte()?;
    Ok(child)
}

/// One that has come as far as to wait for what it is told.
fn spare() -> Result<Child> {
    let mut spare = Child::spawn("echo", &["1", "1"])?;
    spare.echo_byte()?;
    Ok(spare)
}
