//! What happens during a run: faults, changes and edits, all as commands with a time.

use serde::{Deserialize, Serialize};

use super::node::Node;
use crate::units::Duration;

/// Something done to the running system: by a scenario, a click or an edit alike. Instances count from 1; in a store
/// member 1 is the first primary.
#[allow(clippy::large_enum_variant)] // a scenario has few of them, and adding a node is rare
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// The process dies: memory is gone, connections are reset, new ones refused; the page cache survives.
    Crash(String, u32),
    /// The machine dies: what was not synced is gone, connections time out.
    LoseMachine(String, u32),
    /// The process stops answering; the kernel still accepts connections.
    Hang(String, u32),
    /// A hung process goes on.
    Resume(String, u32),
    /// A dead or hung instance is started again.
    Restart(String, u32),
    /// The store's primary hands over to its most advanced replica at once.
    Failover(String),
    /// A new version is rolled out, instance by instance.
    Deploy(String, Stop),
    /// The service gets so many further instances.
    AddInstances(String, u32),
    /// So many instances are drained and removed, the last first.
    RemoveInstances(String, u32),
    /// The key that signs tokens is replaced: every token becomes invalid.
    ReplaceSigningKey,
    /// A setting is changed: its path and its new value, as in a file.
    Set(String, String),
    /// A node is added.
    Add(String, Node),
    /// A node is removed, with its links.
    Remove(String),
    /// Two nodes are linked: "a -> b".
    Link(String),
    /// A link is removed: "a -> b".
    Unlink(String),
}

/// How an instance is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    /// New requests go elsewhere, those in flight are finished, then a last fsync and snapshot.
    Drained,
    /// It is killed.
    Abrupt,
}

/// A command and when it happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Timed {
    /// At this time of the run.
    At(Duration, Command),
    /// At an instant drawn uniformly between the two times.
    Between(Duration, Duration, Command),
}

impl Timed {
    /// The command.
    pub fn command(&self) -> &Command {
        match self {
            Self::At(_, command) | Self::Between(_, _, command) => command,
        }
    }

    /// The earliest time it can happen.
    pub fn earliest(&self) -> Duration {
        match self {
            Self::At(at, _) | Self::Between(at, _, _) => *at,
        }
    }
}

impl Command {
    /// Whether it changes the document (an edit), not only the running system (a fault).
    pub fn is_edit(&self) -> bool {
        matches!(
            self,
            Self::Set(..) | Self::Add(..) | Self::Remove(..) | Self::Link(..) | Self::Unlink(..)
        )
    }

    /// The node it is about, if any.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Crash(n, _)
            | Self::LoseMachine(n, _)
            | Self::Hang(n, _)
            | Self::Resume(n, _)
            | Self::Restart(n, _)
            | Self::Failover(n)
            | Self::Deploy(n, _)
            | Self::AddInstances(n, _)
            | Self::RemoveInstances(n, _)
            | Self::Add(n, _)
            | Self::Remove(n) => Some(n),
            Self::ReplaceSigningKey | Self::Set(..) | Self::Link(_) | Self::Unlink(_) => None,
        }
    }
}
