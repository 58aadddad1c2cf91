//! Results and topologies in other formats.

pub mod csv;
mod faults;
pub mod json;
pub mod numbers;
pub mod svg;
pub mod text;

/// Whether a character is one that a terminal obeys (C0 and C1 controls, DEL), or that is shown as nothing or turns a line
/// round. Files come from others, and what they say is repeated in results and errors: these are written by their number.
pub fn is_disguise(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        )
}
