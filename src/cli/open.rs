//! `statescope [FILE|PRESET]`: opens the window.

use clap::CommandFactory;

use super::input::load;
use super::{CommandLine, Failure, Window};
use crate::model::settings::nearest;

/// Opens the window, on a topology if one is named.
pub fn open(topology: Option<&str>, window: Option<&Window>) -> Result<(), Failure> {
    let Some(window) = window else {
        return Err(Failure::usage(
            "this build has no window (feature `gui`); `statescope run FILE|PRESET` simulates, `statescope --help` lists more",
        ));
    };
    let loaded = topology
        .map(|name| load(name).map_err(|failure| perhaps_a_command(name, failure)))
        .transpose()?;
    (window.open)(loaded).map_err(Failure::input)
}

/// Adds to the error about a file what command was meant, if its name looks like one.
fn perhaps_a_command(name: &str, mut failure: Failure) -> Failure {
    let line = CommandLine::command();
    let commands = line.get_subcommands().map(clap::Command::get_name);
    if let Some(command) = nearest(name, commands) {
        failure
            .message
            .push_str(&format!("\nPerhaps the command `{command}` was meant."));
    }
    failure
}
