//! The command line: one file a subcommand. Results go to standard output, progress and messages to standard error; the
//! exit status is 0 when done, 1 when the input is wrong or a check failed, 2 when the command line is, 130 after Ctrl+C.

mod check;
mod export;
mod input;
mod interrupt;
mod licences;
mod open;
mod output;
mod presets;
mod run;
mod validate;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::model::{Loaded, Topology};

/// Where should state live? Draws a service topology, crashes things, and shows what is lost.
#[derive(Parser)]
#[command(
    name = "statescope",
    disable_version_flag = true,
    args_conflicts_with_subcommands = true,
    after_help = "Without a command, the window opens.\n\
        Exit status: 0 done, 1 the input is wrong or a check failed, 2 the command line is wrong,\n\
        130 interrupted (what is known by then is printed)."
)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,

    /// Topology file, or name of a preset, that the window opens with
    #[arg(value_name = "FILE|PRESET")]
    topology: Option<String>,

    /// Prints the version
    #[arg(short = 'V', long)]
    version: bool,

    /// Prints the licences of the program, its font, and the crates it is built from
    #[arg(long)]
    licences: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Simulates a topology and prints the results
    Run(run::Arguments),
    /// Says what is wrong with topology files
    Check(check::Arguments),
    /// Tries predictions of theory on the simulator
    Validate(validate::Arguments),
    /// Lists the topologies that come with the program
    Presets,
    /// Writes a topology in another format
    Export(export::Arguments),
}

/// Why a command ends with another status than 0.
#[derive(Debug)]
struct Failure {
    status: u8,
    /// For standard error; empty if all was said already.
    message: String,
}

impl Failure {
    /// The input is wrong.
    fn input(message: impl Into<String>) -> Self {
        Self {
            status: 1,
            message: message.into(),
        }
    }

    /// The command line is wrong, or asks for what this build cannot do.
    fn usage(message: impl Into<String>) -> Self {
        Self {
            status: 2,
            message: message.into(),
        }
    }
}

/// What the window does for the command line, which does not know it: both stand on the same layer.
pub struct Window {
    /// Opens it and returns when it is closed; the error says why it cannot be opened.
    pub open: fn(Option<Loaded>) -> Result<(), String>,
    /// A picture of a topology as a PNG file, by the window's renderer.
    pub picture: fn(&Topology) -> Vec<u8>,
}

/// Does what the command line says. Without a window, commands that need one say so.
pub fn main(window: Option<&Window>) -> ExitCode {
    let line = CommandLine::parse();
    let done = match line.command {
        None if line.licences => licences::list(),
        None if line.version => output::print(licences::version()),
        None => open::open(line.topology.as_deref(), window),
        Some(Command::Run(arguments)) => run::run(&arguments),
        Some(Command::Check(arguments)) => check::check(&arguments),
        Some(Command::Validate(arguments)) => validate::validate(&arguments),
        Some(Command::Presets) => presets::list(),
        Some(Command::Export(arguments)) => export::export(&arguments, window),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                output::say(&failure.message);
            }
            ExitCode::from(failure.status)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::CommandLine::command().debug_assert();
    }
}
