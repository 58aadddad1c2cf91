//! Writing results, messages and progress.

use std::borrow::Cow;
use std::cell::Cell;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::{Duration, Instant};

use super::Failure;
use crate::analysis::parallel::Progress;
use crate::report::is_disguise;

/// Writes text to standard output. A reader that has seen enough (`| head`) is no failure.
pub fn print(text: impl AsRef<str>) -> Result<(), Failure> {
    print_bytes(tame(text.as_ref()).as_bytes())
}

/// Writes what is no text to standard output.
pub fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::input(format!(
            "standard output cannot be written: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Writes a message to standard error; if that is closed there is nobody to tell.
pub fn say(message: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", tame(message));
}

/// The text with every character that a terminal would obey, or that would hide or turn round what is written, shown by
/// its number. Files come from others, and what they say is repeated in results and errors.
fn tame(text: &str) -> Cow<'_, str> {
    let obeyed = |c: char| !matches!(c, '\n' | '\t') && is_disguise(c);
    if !text.contains(obeyed) {
        return Cow::Borrowed(text);
    }
    let mut tamed = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if obeyed(c) {
            tamed.extend(c.escape_unicode());
        } else {
            tamed.push(c);
        }
    }
    Cow::Owned(tamed)
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
        let share = progress.done as f64 / progress.total.max(1) as f64;
        let percent = (100.0 * share.min(1.0)) as u64;
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

#[cfg(test)]
mod tests {
    use super::tame;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        assert_eq!(
            tame("plain, é, 日本, 1 ± 2\n\tnext"),
            "plain, é, 日本, 1 ± 2\n\tnext"
        );
        assert_eq!(tame("\u{1b}[2J\u{7}"), "\\u{1b}[2J\\u{7}");
        for code in (0..0xa0).chain(0x2000..0x2070) {
            let Some(c) = char::from_u32(code) else {
                continue;
            };
            let tamed = tame(c.encode_utf8(&mut [0; 4])).into_owned();
            let harmless = !c.is_control() || matches!(c, '\n' | '\t');
            assert!(harmless == tamed.contains(c) || code >= 0x2000, "{code:x}");
            assert!(
                !tamed.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')),
                "{code:x}"
            );
        }
        assert_eq!(tame("a\u{202e}b\rc"), "a\\u{202e}b\\u{d}c");
    }
}
