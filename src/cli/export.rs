//! `statescope export`: writes a topology in another format.

use std::fs;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::input::TopologyArguments;
use super::output::{print, print_bytes};
use super::{Failure, Window};
use crate::model::{Topology, file};
use crate::report;

#[derive(Args)]
pub struct Arguments {
    #[command(flatten)]
    input: TopologyArguments,

    /// The format
    #[arg(long, value_name = "FORMAT")]
    to: Format,

    /// File to write [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// The topology as JSON, for other programs
    Json,
    /// A picture of the window's canvas
    Png,
    /// A drawing of the topology
    Svg,
}

pub fn export(arguments: &Arguments, window: Option<&Window>) -> Result<(), Failure> {
    let input = arguments.input.load()?;
    let topology = input.checked()?;
    let text = match arguments.to {
        Format::Json => report::json::topology(topology),
        Format::Svg => report::svg::topology(topology),
        Format::Png => {
            if arguments.output.is_none() && std::io::stdout().is_terminal() {
                return Err(Failure::usage(
                    "a picture is nothing for a terminal: name a file with -o FILE",
                ));
            }
            let picture = png(topology, window)?;
            return match &arguments.output {
                None => print_bytes(&picture),
                Some(path) => write(path, &picture),
            };
        }
    };
    match &arguments.output {
        None => print(text),
        Some(path) => write(path, text.as_bytes()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    // A device or a pipe takes what is written to it; a file is replaced as a whole.
    let other = fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir());
    let written = if other {
        fs::write(path, bytes)
    } else {
        file::save(path, bytes)
    };
    written
        .map_err(|error| Failure::input(format!("{} cannot be written: {error}", path.display())))
}

/// The window's canvas, by its own renderer.
fn png(topology: &Topology, window: Option<&Window>) -> Result<Vec<u8>, Failure> {
    let window = window.ok_or_else(|| {
        Failure::usage(
            "this build has no window (feature `gui`), whose renderer draws PNG pictures; svg works without it",
        )
    })?;
    Ok((window.picture)(topology))
}
