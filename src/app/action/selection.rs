//! What is selected.

use crate::model::Renaming;

/// What is selected, for every pane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// A node, by name.
    Node(String),
    /// An instance of a service or a member of a store: node and number.
    Instance(String, u32),
    /// A link, by key: "a->b".
    Link(String),
    /// Several nodes, two at least, in the order in which they were selected.
    Nodes(Vec<String>),
}

impl Selection {
    /// Nodes by name: one, several, or nothing at all.
    pub fn of(mut names: Vec<String>) -> Option<Self> {
        match names.len() {
            0 => None,
            1 => names.pop().map(Self::Node),
            _ => Some(Self::Nodes(names)),
        }
    }

    /// The nodes that are selected, or whose instance is.
    pub fn names(&self) -> &[String] {
        match self {
            Self::Node(name) | Self::Instance(name, _) => std::slice::from_ref(name),
            Self::Nodes(names) => names,
            Self::Link(_) => &[],
        }
    }

    /// Whether this node, or an instance of it, is selected.
    pub fn has(&self, name: &str) -> bool {
        self.names().iter().any(|selected| selected == name)
    }

    /// Brings the names in it up to date.
    pub fn rename(&mut self, names: &Renaming) {
        match self {
            Self::Node(name) | Self::Instance(name, _) => {
                names.name(name);
            }
            Self::Link(key) => {
                names.link(key);
            }
            Self::Nodes(all) => {
                for name in all {
                    names.name(name);
                }
            }
        }
    }

    /// The one node it belongs to; none for a link or several nodes.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Node(name) | Self::Instance(name, _) => Some(name),
            Self::Link(_) | Self::Nodes(_) => None,
        }
    }
}
