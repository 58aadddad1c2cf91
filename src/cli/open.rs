//! `statescope [FILE|PRESET]`: opens the window.

use super::Failure;

pub fn open(_topology: Option<&str>) -> Result<(), Failure> {
    Err(Failure::usage(
        "this build has no window (feature `gui`); `statescope run FILE|PRESET` simulates, `statescope --help` lists more",
    ))
}
