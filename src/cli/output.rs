//! Writing results, messages and progress.

use std::cell::Cell;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::Failure;
use crate::analysis::parallel::Progress;

/// Writes results to standard output. A reader that has seen enough (`| head`) is no failure.
pub fn print(bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout
        .write_all(bytes.as_ref())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::input(format!(
            "standard output cannot be written: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Writes a message to standard error; if that is closed there is nobody to tell.
pub fn say(message: &str) {
    let _ = writeln!(io::stderr().lock(), "{message}");
}

/// A line on standard error that says how far the work is, if a person sits there.
pub struct ProgressLine {
    begun: Instant,
    shown: Cell<Option<u64>>,
    terminal: bool,
}

impl ProgressLine {
    /// Nothing shows until the work has taken a while.
    pub fn new() -> Self {
        Self {
            begun: Instant::now(),
            shown: Cell::new(None),
            terminal: io::stderr().is_terminal(),
        }
    }

    /// Shows how far the work is.
    pub fn show(&self, progress: Progress) {
        let percent = (100.0 * progress.done as f64 / progress.total.max(1) as f64) as u64;
        if self.terminal
            && self.begun.elapsed() > Duration::from_millis(500)
            && self.shown.get() != Some(percent)
        {
            let _ = write!(io::stderr().lock(), "\rsimulating: {percent} %");
            self.shown.set(Some(percent));
        }
    }
}

impl Drop for ProgressLine {
    /// Leaves the line empty, for what comes after.
    fn drop(&mut self) {
        if self.shown.get().is_some() {
            let _ = write!(io::stderr().lock(), "\r\x1b[K");
        }
    }
}
