//! The two sides of a network fault: what is cut, slow or lossy between them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::naming::Renaming;
use super::node::Node;
use super::settings::{Setting, Shape, unknown_name};
use super::topology::Topology;

/// Whom a network fault strikes on one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Side {
    /// Every instance of a node: "api".
    Node(String),
    /// One instance of a service or member of a store, counted from 1: "api.2".
    Instance(String, u32),
    /// Every instance and member in a zone: "@a".
    Zone(String),
    /// Everything that is not on the other side: "*".
    Rest,
}

/// Both sides, as "api -> db": nodes, instances ("db.1"), zones ("@a"), or all the rest ("*").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides {
    /// Who sends.
    pub from: Side,
    /// Who is sent to.
    pub to: Side,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(name) => f.write_str(name),
            Self::Instance(name, number) => write!(f, "{name}.{number}"),
            Self::Zone(zone) => write!(f, "@{zone}"),
            Self::Rest => f.write_str("*"),
        }
    }
}

impl FromStr for Side {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "*" {
            return Ok(Self::Rest);
        }
        if let Some(zone) = text.strip_prefix('@') {
            return match zone {
                "" => Err("\"@\" lacks the zone's name: write \"@a\" for zone a".to_owned()),
                zone => Ok(Self::Zone(zone.to_owned())),
            };
        }
        match text.split_once('.') {
            None => Ok(Self::Node(text.to_owned())),
            Some((name, number)) => match number.parse() {
                Ok(number) => Ok(Self::Instance(name.to_owned(), number)),
                Err(_) => Err(format!(
                    "\"{text}\" is no instance: write its number after the dot, as in \"{name}.1\""
                )),
            },
        }
    }
}

impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.from, self.to)
    }
}

impl FromStr for Sides {
    type Err = String;

    /// # Errors
    /// It is not written "from -> to", or a side is no node, instance, zone or "*".
    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split("->").map(str::trim).collect();
        let [from, to] = parts[..] else {
            return Err(format!("\"{text}\" has no two sides: write \"from -> to\""));
        };
        if from.is_empty() || to.is_empty() {
            return Err(format!("\"{text}\" lacks a side: write \"from -> to\""));
        }
        Ok(Self {
            from: from.parse()?,
            to: to.parse()?,
        })
    }
}

impl Serialize for Sides {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sides {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl Setting for Sides {
    fn shape() -> Shape {
        Shape::Text
    }
}

impl Side {
    fn name_mut(&mut self) -> Option<&mut String> {
        match self {
            Self::Node(name) | Self::Instance(name, _) => Some(name),
            Self::Zone(_) | Self::Rest => None,
        }
    }

    /// As people say it: "api 2", "zone a", "everything else".
    pub fn in_words(&self) -> String {
        match self {
            Self::Node(name) => name.clone(),
            Self::Instance(name, number) => format!("{name} {number}"),
            Self::Zone(zone) => format!("zone {zone}"),
            Self::Rest => "everything else".to_owned(),
        }
    }

    /// The node it names.
    pub fn node(&self) -> Option<&str> {
        match self {
            Self::Node(name) | Self::Instance(name, _) => Some(name),
            Self::Zone(_) | Self::Rest => None,
        }
    }

    /// What is wrong with it in a topology; `most`: the highest number that an instance of a node may have had.
    pub(super) fn problem(
        &self,
        topology: &Topology,
        most: impl Fn(&str, &Node) -> u64,
    ) -> Option<String> {
        match self {
            Self::Rest => None,
            Self::Zone(zone) => topology.zone_problem(zone),
            Self::Node(name) | Self::Instance(name, _) => {
                let Some(node) = topology.nodes.get(name) else {
                    let names = topology.nodes.keys().map(String::as_str);
                    return Some(unknown_name("node", name, names));
                };
                let Self::Instance(_, number) = self else {
                    return None;
                };
                if !(matches!(node, Node::Service(_)) || node.is_store()) {
                    return Some(format!("`{name}` has no instances: write \"{name}\""));
                }
                let most = most(name, node);
                (*number == 0 || u64::from(*number) > most).then(|| {
                    format!(
                        "there is no instance {number} of `{name}`: they count from 1 to {most}"
                    )
                })
            }
        }
    }
}

impl Sides {
    /// Both the other way round.
    #[must_use]
    pub fn reversed(&self) -> Self {
        Self {
            from: self.to.clone(),
            to: self.from.clone(),
        }
    }

    /// "between api 2 and zone a".
    pub fn between(&self) -> String {
        format!(
            "between {} and {}",
            self.from.in_words(),
            self.to.in_words()
        )
    }

    /// "from api 2 to zone a".
    pub fn one_way(&self) -> String {
        format!("from {} to {}", self.from.in_words(), self.to.in_words())
    }

    /// What both are called, nodes alone, as a link is written.
    pub fn nodes(from: &str, to: &str) -> Self {
        Self {
            from: Side::Node(from.to_owned()),
            to: Side::Node(to.to_owned()),
        }
    }

    pub(super) fn renamed(&mut self, names: &Renaming) -> bool {
        let sides = [&mut self.from, &mut self.to];
        let names_of = sides.into_iter().filter_map(Side::name_mut);
        names_of.fold(false, |changed, name| names.name(name) | changed)
    }
}

impl Topology {
    /// The zones that instances and members are in, in the order in which the file names them.
    pub fn zones(&self) -> Vec<&str> {
        let mut zones: Vec<&str> = Vec::new();
        for zone in self.nodes.values().flat_map(Node::zones) {
            if !zones.contains(&zone.as_str()) {
                zones.push(zone);
            }
        }
        zones
    }

    /// What is wrong with a zone's name.
    pub(super) fn zone_problem(&self, zone: &str) -> Option<String> {
        let zones = self.zones();
        if zones.contains(&zone) {
            return None;
        }
        Some(match zones[..] {
            [] => "nothing is in a zone: give a service or store `zones: [\"a\", \"b\"]` first"
                .to_owned(),
            _ => unknown_name("zone", zone, zones.into_iter()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_are_read_and_written_alike() {
        for text in ["api -> db", "api.2 -> db.1", "@a -> *", "* -> @b"] {
            assert_eq!(text.parse::<Sides>().unwrap().to_string(), text);
        }
        assert_eq!(
            "api->db".parse::<Sides>().unwrap(),
            Sides::nodes("api", "db")
        );
    }

    #[test]
    fn what_is_no_side_is_said() {
        for (text, why) in [
            ("api", "no two sides"),
            ("api -> ", "lacks a side"),
            ("api.x -> db", "write its number"),
            ("@ -> db", "zone's name"),
        ] {
            let error = text.parse::<Sides>().unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
