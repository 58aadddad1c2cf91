//! `statescope [FILE|PRESET]`: opens the window.

use super::Failure;

/// Opens the window, on a topology if one is named.
#[cfg(feature = "gui")]
pub fn open(topology: Option<&str>) -> Result<(), Failure> {
    let load = |name| crate::model::load(name).map_err(|error| Failure::input(error.to_string()));
    let loaded = topology.map(load).transpose()?;
    crate::app::run(loaded).map_err(Failure::input)
}

/// Says that there is no window.
#[cfg(not(feature = "gui"))]
pub fn open(_topology: Option<&str>) -> Result<(), Failure> {
    Err(Failure::usage(
        "this build has no window (feature `gui`); `statescope run FILE|PRESET` simulates, `statescope --help` lists more",
    ))
}
