//! `statescope [FILE|PRESET]`: opens the window.

use super::Failure;

/// Opens the window, on a topology if one is named.
#[cfg(feature = "gui")]
pub fn open(topology: Option<&str>) -> Result<(), Failure> {
    let loaded = topology
        .map(|name| super::input::load(name).map_err(|failure| perhaps_a_command(name, failure)))
        .transpose()?;
    crate::app::run(loaded).map_err(Failure::input)
}

/// Adds to the error about a file what command was meant, if its name looks like one.
#[cfg(feature = "gui")]
fn perhaps_a_command(name: &str, mut failure: Failure) -> Failure {
    use clap::CommandFactory;

    let line = super::CommandLine::command();
    let commands = line.get_subcommands().map(clap::Command::get_name);
    if let Some(command) = crate::model::settings::nearest(name, commands) {
        failure
            .message
            .push_str(&format!("\nPerhaps the command `{command}` was meant."));
    }
    failure
}

/// Says that there is no window.
#[cfg(not(feature = "gui"))]
pub fn open(_topology: Option<&str>) -> Result<(), Failure> {
    Err(Failure::usage(
        "this build has no window (feature `gui`); `statescope run FILE|PRESET` simulates, `statescope --help` lists more",
    ))
}
