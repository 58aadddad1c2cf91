//! `statescope --licences`: what the program may be used under, and what it is made of.

use super::Failure;
use super::output::print;

/// The licence of the window's font, which has to go wherever the font goes.
const FONT: &str = include_str!("../../assets/fonts/OFL.txt");
/// The crates that the program is built from, a line each; a test compares it with them.
const CRATES: &str = include_str!("../../assets/crates.txt");

/// The program's version.
pub fn version() -> String {
    format!("statescope {}\n", env!("CARGO_PKG_VERSION"))
}

/// Prints version and licences.
pub fn list() -> Result<(), Failure> {
    print(format!(
        "{}Licensed under MIT or Apache 2.0, as you prefer.\n\n\
         The window's letters are IBM Plex Sans, under this licence:\n\n{}\n\n\
         The program is built from these crates, each under its own licence, whose text comes with its\n\
         source:\n\n{CRATES}",
        version(),
        FONT.trim_end()
    ))
}
