//! What most commands take: a topology, changes of its settings, and how it is run.

use std::path::Path;
use std::str::FromStr;

use clap::Args;

use super::{Failure, interrupt, output};
use crate::analysis::ceiling::{DEFAULT_MEMORY, MOST_MEMORY};
use crate::analysis::jobs::{Pool, machine_threads};
use crate::analysis::parallel::{Control, Progress};
use crate::model::{Loaded, Severity, Topology, check, file, presets};
use crate::units::Bytes;

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

/// What simulations may use of the machine.
#[derive(Args)]
pub struct MachineArguments {
    /// Threads to use; results do not depend on it [default: as many as the machine has cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,

    /// Most memory that each simulation may take, by its own count; one that reaches it ends there
    #[arg(long, value_name = "SIZE", default_value_t = DEFAULT_MEMORY, value_parser = memory)]
    pub memory: Bytes,
}

/// A size that simulations may take.
fn memory(text: &str) -> Result<Bytes, String> {
    const LEAST: Bytes = Bytes(16 << 20);
    let bytes: Bytes = text.parse().map_err(|error| format!("{error}"))?;
    if (LEAST..=MOST_MEMORY).contains(&bytes) {
        Ok(bytes)
    } else {
        Err(format!(
            "{bytes} is out of range: from {LEAST} to {MOST_MEMORY}"
        ))
    }
}

impl MachineArguments {
    /// With the progress on a line, until Ctrl+C.
    pub fn control<'a>(&self, progress: &'a dyn Fn(Progress)) -> Control<'a> {
        Control {
            pool: Pool::new(self.threads.map_or_else(machine_threads, usize::from)),
            progress,
            cancel: interrupt::flag(),
            memory: self.memory,
        }
    }
}

impl TopologyArguments {
    /// The topology as the file says, with the changes.
    pub fn load(&self) -> Result<Input, Failure> {
        let mut input = Input::load(&self.topology)?;
        for Assignment { path, value } in &self.set {
            input
                .topology
                .set_path(path, value)
                .map_err(|error| Failure::input(format!("--set {path}={value}: {error}")))?;
        }
        Ok(input)
    }
}

/// Loads a file, or a preset by its name or the name of its file.
pub fn load(name: &str) -> Result<Loaded, Failure> {
    file::load(name)
        .or_else(|error| match preset_of_file(name) {
            Some(preset) if !Path::new(name).exists() => file::load(preset),
            _ => Err(error),
        })
        .map_err(|error| Failure::input(error.to_string()))
}

/// A topology, and where it came from.
pub struct Input {
    /// The file or preset as the user named it.
    name: String,
    /// The file's text.
    text: String,
    /// The topology, perhaps changed since.
    pub topology: Topology,
}

impl Input {
    /// Loads a file or preset.
    pub fn load(name: &str) -> Result<Self, Failure> {
        let loaded = load(name)?;
        Ok(Self {
            name: name.to_owned(),
            text: loaded.text,
            topology: loaded.topology,
        })
    }

    /// The file or preset as the user named it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The topology if it can run: warnings go to standard error, errors are a failure.
    pub fn checked(&self) -> Result<&Topology, Failure> {
        for warning in self.problems(Severity::Warning) {
            output::say(&warning);
        }
        self.runnable()
    }

    /// The topology if it can run, without a word about what is merely odd.
    pub fn runnable(&self) -> Result<&Topology, Failure> {
        let errors = self.problems(Severity::Error);
        if errors.is_empty() {
            Ok(&self.topology)
        } else {
            Err(Failure::input(errors.join("\n")))
        }
    }

    /// What is wrong with the topology, and where in the file.
    fn problems(&self, severity: Severity) -> Vec<String> {
        /// More of one kind nobody reads.
        const SHOWN: usize = 20;
        let name = &self.name;
        let problems = check(&self.topology);
        let mut problems = problems
            .iter()
            .filter(|problem| problem.severity == severity);
        let mut lines: Vec<String> = problems
            .by_ref()
            .take(SHOWN)
            .map(|problem| match file::place_of(&self.text, &problem.path) {
                Some((line, column)) => format!("{name}:{line}:{column}: {problem}"),
                None => format!("{name}: {problem}"),
            })
            .collect();
        match problems.count() {
            0 => {}
            more => lines.push(format!("{name}: and {more} more")),
        }
        lines
    }
}

/// The name of the preset whose file this is, `presets/NAME.ron`, if it could be one.
fn preset_of_file(name: &str) -> Option<&str> {
    let name = name.strip_prefix("presets/")?.strip_suffix(".ron")?;
    presets::find(name).map(|preset| preset.name)
}
