//! The whole of what a user describes: one topology, one file.

use std::fmt;

use indexmap::IndexMap;
use serde::de::value::MapAccessDeserializer;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::check::implied_links;
use super::node::{LinkSettings, Node};
use super::scenario::{Command, Timed};
use super::settings::{
    Profile, Setting, SettingError, Shape, from_ron, index, no_place, shortened, to_ron,
    unknown_name, with_profile,
};
use super::state::Sessions;
use super::written::kept;
use crate::model::settings::settings;
use crate::units::{Duration, Share};

/// The file format's version that this program writes.
pub const SCHEMA: u32 = 1;

settings! {
    /// What the user promises. Each one that is set gets a verdict.
    pub struct Objectives {
        /// 99 % of the completed operations answer within this time; also the limit of goodput.
        pub p99: Option<Duration> = None, in "1us".."1d", source "ours";
        /// Least share of operations that complete.
        pub availability: Option<Share> = None, in "0%".."100%", source "ours";
        /// Most acknowledged writes that may be lost (RPO).
        pub lost_writes: Option<u64> = None, source "ours";
        /// Most sessions that may be lost.
        pub lost_sessions: Option<u64> = None, source "ours";
        /// Longest recovery time after a fault (RTO).
        pub recovery_time: Option<Duration> = None, in "0s".."30d", source "ours";
    }

    /// A topology: nodes, links, workload and scenario.
    pub struct Topology {
        /// Version of the file format.
        pub schema: u32 = 0, source "ours";
        /// Which defaults apply.
        pub profile: Profile = Profile::Standard, source "ours";
        /// Title.
        pub name: String = String::new(), source "ours";
        /// What it shows, in a sentence or two.
        pub summary: String = String::new(), source "ours";
        /// Longer remarks, kept with the file.
        pub note: String = String::new(), source "ours";
        /// How long a run is, warm-up included.
        pub duration: Duration = Duration(120_000_000_000), in "1ms".."3650d", source "ours";
        /// How much of the beginning is not counted.
        pub warmup: Duration = Duration(0), in "0s".."3650d", source "ours";
        /// Seed of the random draws.
        pub seed: u64 = 1, source "ours";
        /// How much longer a message takes from one zone to another.
        pub zone_latency: Duration = Duration(375_000), bare Duration(0), in "0s".."1h", source "gk: 500 us one way between zones of a region, 125 us within one";
        /// How sessions are kept.
        pub sessions: Sessions = Sessions::None, source "ours";
        /// What the drawing consists of.
        pub nodes: IndexMap<String, Node> = IndexMap::new(), source "ours";
        /// Who calls whom.
        pub links: Links = Links::default(), source "ours";
        /// What happens when.
        pub scenario: Vec<Timed> = Vec::new(), source "ours";
        /// What is promised.
        pub objectives: Objectives = Objectives::default(), source "ours";
        /// What a run must show, such as "sessions.lost > 0".
        pub expects: Vec<String> = Vec::new(), source "ours";
        /// Where the nodes are drawn, in points.
        pub canvas: IndexMap<String, (f32, f32)> = IndexMap::new(), source "ours";
    }
}

/// Longest name of a node, in characters.
pub const MAX_NAME: usize = 64;

/// Whether a node may be called that; the error says why not. Paths such as `nodes.api.workers` are cut at dots, and
/// links at arrows, so names hold neither.
///
/// # Errors
/// What a name may consist of.
pub fn check_name(name: &str) -> Result<(), String> {
    let wrong = name
        .chars()
        .find(|&c| !(c.is_alphanumeric() || c == '-' || c == '_'));
    if name.is_empty() {
        Err("a node needs a name: letters, digits, hyphens and underscores".to_owned())
    } else if name.chars().count() > MAX_NAME {
        Err(format!(
            "`{}` is too long for a node's name: at most {MAX_NAME} characters",
            shortened(name)
        ))
    } else if let Some(wrong) = wrong {
        let name = shortened(name);
        let wrong = match wrong {
            ' ' => "the space".to_owned(),
            other => format!("the {other:?}"),
        };
        Err(format!(
            "`{name}` cannot be a node's name because of {wrong}: use letters, digits, hyphens and underscores"
        ))
    } else {
        Ok(())
    }
}

/// The links, in file order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Links(pub Vec<Link>);

/// A link. In a file: "a -> b", or `Link(path: "a -> b", latency: ...)` where it differs from the defaults.
#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    /// The calling node.
    pub from: String,
    /// The called node.
    pub to: String,
    /// Latency and bandwidth.
    pub settings: LinkSettings,
}

impl Link {
    /// A link with default latency and bandwidth.
    pub fn new(from: &str, to: &str) -> Self {
        Self {
            from: from.to_owned(),
            to: to.to_owned(),
            settings: LinkSettings {
                path: format!("{from} -> {to}"),
                ..LinkSettings::default()
            },
        }
    }

    /// A link from "a -> b".
    ///
    /// # Errors
    /// The text is not of that form.
    pub fn parse(path: &str) -> Result<Self, SettingError> {
        Self::with_settings(LinkSettings {
            path: path.to_owned(),
            ..LinkSettings::default()
        })
    }

    fn with_settings(mut settings: LinkSettings) -> Result<Self, SettingError> {
        let parts: Vec<&str> = settings.path.split("->").map(str::trim).collect();
        let [from, to] = parts[..] else {
            return Err(SettingError::here(format!(
                "\"{}\" is not a link: write \"from -> to\"",
                settings.path
            )));
        };
        if from.is_empty() || to.is_empty() {
            return Err(SettingError::here(format!(
                "\"{}\" lacks a name: write \"from -> to\"",
                settings.path
            )));
        }
        let (from, to) = (from.to_owned(), to.to_owned());
        settings.path = format!("{from} -> {to}");
        Ok(Self { from, to, settings })
    }

    /// The name under which results list it: "a->b".
    pub fn key(&self) -> String {
        format!("{}->{}", self.from, self.to)
    }
}

impl Serialize for Link {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let plain = LinkSettings {
            path: self.settings.path.clone(),
            ..LinkSettings::default()
        };
        if self.settings == plain && !kept("latency") && !kept("bandwidth") {
            serializer.serialize_str(&self.settings.path)
        } else {
            // Written with its name, so that it reads as in the documentation.
            Named {
                settings: &self.settings,
            }
            .serialize(serializer)
        }
    }
}

/// Writes link settings under the name `Link`.
struct Named<'a> {
    settings: &'a LinkSettings,
}

impl Serialize for Named<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let (link, default) = (self.settings, LinkSettings::default());
        let mut group = serializer.serialize_struct("Link", 3)?;
        group.serialize_field("path", &link.path)?;
        if link.latency != default.latency || kept("latency") {
            group.serialize_field("latency", &link.latency)?;
        }
        if link.bandwidth != default.bandwidth || kept("bandwidth") {
            group.serialize_field("bandwidth", &link.bandwidth)?;
        }
        group.end()
    }
}

impl<'de> Deserialize<'de> for Link {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrGroup;
        impl<'de> serde::de::Visitor<'de> for TextOrGroup {
            type Value = Link;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a link: \"from -> to\" or Link(path: \"from -> to\", latency: ..., bandwidth: ...)")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Link, E> {
                Link::parse(text).map_err(E::custom)
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Link, A::Error> {
                let settings = LinkSettings::deserialize(MapAccessDeserializer::new(map))?;
                Link::with_settings(settings).map_err(serde::de::Error::custom)
            }
        }
        deserializer.deserialize_any(TextOrGroup)
    }
}

impl Serialize for Links {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Links {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self)
    }
}

impl Links {
    /// The link of that key, "a->b", with or without spaces; or of that place, `[0]`.
    pub fn find(&self, key: &str) -> Option<usize> {
        if let Some(place) = index(key) {
            return (place < self.0.len()).then_some(place);
        }
        let key = without_spaces(key);
        self.0.iter().position(|link| link.key() == key)
    }
}

impl Setting for Links {
    fn shape() -> Shape {
        Shape::Map(Box::new(LinkSettings::shape()))
    }

    fn get(&self, path: &[&str]) -> Result<String, SettingError> {
        let Some((&key, rest)) = path.split_first() else {
            return Ok(to_ron(self));
        };
        let at = self.find(key).ok_or_else(|| self.unknown(key))?;
        if rest.is_empty() {
            return Ok(to_ron(&self.0[at]));
        }
        self.0[at].settings.get(rest).map_err(|e| e.under(key))
    }

    fn set(&mut self, path: &[&str], text: &str) -> Result<(), SettingError> {
        let Some((&key, rest)) = path.split_first() else {
            *self = from_ron(text)?;
            return Ok(());
        };
        let found = self.find(key);
        if rest.is_empty() {
            if found.is_none() && index(key).is_some_and(|place| place != self.0.len()) {
                return Err(no_place(key, self.0.len()));
            }
            let link: Link = from_ron(text).map_err(|e| e.under(key))?;
            match found {
                Some(at) => self.0[at] = link,
                None => self.0.push(link),
            }
            return Ok(());
        }
        let at = found.ok_or_else(|| self.unknown(key))?;
        let mut settings = self.0[at].settings.clone();
        settings.set(rest, text).map_err(|e| e.under(key))?;
        self.0[at] = Link::with_settings(settings)?;
        Ok(())
    }
}

impl Links {
    fn unknown(&self, key: &str) -> SettingError {
        if index(key).is_some() {
            return no_place(key, self.0.len());
        }
        let keys: Vec<String> = self.0.iter().map(Link::key).collect();
        SettingError::here(unknown_name("link", key, keys.iter().map(String::as_str)))
    }
}

fn without_spaces(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

/// A path cut at its dots and before places in lists: `links[0].latency` is `links`, `[0]`, `latency`.
fn segments(path: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    for part in path.split('.') {
        let mut rest = part.trim();
        while let Some(at) = rest.char_indices().skip(1).find(|(_, c)| *c == '[') {
            let (before, after) = rest.split_at(at.0);
            segments.push(before.trim());
            rest = after;
        }
        segments.push(rest.trim());
    }
    segments
}

impl Topology {
    /// The text of the setting at `path`, such as `nodes.api.workers`, as in a file.
    ///
    /// # Errors
    /// There is nothing at that path.
    pub fn get_path(&self, path: &str) -> Result<String, SettingError> {
        let segments = segments(path);
        with_profile(self.profile, || self.get(&segments))
    }

    /// Sets the setting at `path` from text as in a file; quotes around a quantity may be left out. A node or link
    /// that is not there yet is added, and so are an entry of a map or list and a link that a setting implies.
    ///
    /// # Errors
    /// There is nothing at that path, or the text is not a value for it; then nothing has changed.
    pub fn set_path(&mut self, path: &str, text: &str) -> Result<(), SettingError> {
        let segments = segments(path);
        match segments[..] {
            ["nodes", name] => check_name(name).map_err(SettingError::here)?,
            ["schema"] if text.trim() != SCHEMA.to_string() => {
                return Err(SettingError::here(format!(
                    "the version of the file format is not a setting: this program writes {SCHEMA}"
                ))
                .under("schema"));
            }
            ["links", key, _, ..] if self.links.find(key).is_none() => {
                // A link that a setting implies is written to give it a latency or bandwidth.
                let implied = implied_links(self)
                    .into_iter()
                    .map(|link| Link::new(link.from, link.to))
                    .find(|link| link.key() == without_spaces(key));
                if let Some(link) = implied {
                    return with_profile(self.profile, || {
                        let mut links = self.links.clone();
                        links.0.push(link);
                        links
                            .set(&segments[1..], text)
                            .map_err(|error| error.under("links"))?;
                        self.links = links;
                        Ok(())
                    });
                }
            }
            _ => {}
        }
        let added = match segments[..] {
            ["nodes", name] if !self.nodes.contains_key(name) => Some(name.to_owned()),
            _ => None,
        };
        with_profile(self.profile, || self.set(&segments, text))?;
        if let Some(name) = added {
            self.give_identity(&name);
        }
        Ok(())
    }

    /// Carries out a command that edits; others change nothing.
    ///
    /// # Errors
    /// What it names does not exist, or is there already; then nothing has changed.
    pub fn apply(&mut self, command: &Command) -> Result<(), SettingError> {
        with_profile(self.profile, || match command {
            Command::Set(path, value) => self.set_path(path, value),
            Command::Add(name, node) => {
                check_name(name).map_err(SettingError::here)?;
                if self.nodes.contains_key(name) {
                    return Err(SettingError::here(format!(
                        "there is a node `{name}` already"
                    )));
                }
                self.nodes.insert(name.clone(), node.clone());
                self.give_identity(name);
                Ok(())
            }
            Command::Remove(name) => {
                self.nodes
                    .shift_remove(name)
                    .ok_or_else(|| self.no_node(name))?;
                self.links
                    .0
                    .retain(|link| link.from != *name && link.to != *name);
                self.canvas.shift_remove(name);
                Ok(())
            }
            Command::Link(path) => {
                let link = Link::parse(path)?;
                for end in [&link.from, &link.to] {
                    if !self.nodes.contains_key(end) {
                        return Err(self.no_node(end));
                    }
                }
                if self.links.find(&link.key()).is_some() {
                    return Err(SettingError::here(format!(
                        "there is a link `{path}` already"
                    )));
                }
                self.links.0.push(link);
                Ok(())
            }
            Command::Unlink(path) => {
                let at = self.links.find(path).ok_or_else(|| self.no_link(path))?;
                self.links.0.remove(at);
                Ok(())
            }
            _ => Ok(()),
        })
    }

    pub(super) fn no_link(&self, key: &str) -> SettingError {
        let implied = implied_links(self)
            .into_iter()
            .map(|implied| Link::new(implied.from, implied.to))
            .find(|link| link.key() == without_spaces(key));
        match implied {
            Some(link) => SettingError::here(format!(
                "a setting implies the link `{}`: change where state, snapshots or sessions are kept",
                link.settings.path
            )),
            None => self.links.unknown(key),
        }
    }

    pub(super) fn no_node(&self, name: &str) -> SettingError {
        SettingError::here(unknown_name(
            "node",
            name,
            self.nodes.keys().map(String::as_str),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::State;
    use crate::model::settings::ron_options;

    #[test]
    fn files_read_and_write_back_with_defaults_left_out() {
        let text = r#"Topology(
    schema: 1,
    name: "Sticky sessions in memory",
    sessions: InMemory(),
    nodes: {
        "clients": Clients(arrivals: Poisson("400/s"), mix: (read: 80, write: 20)),
        "lb": LoadBalancer(policy: StickyCookie),
        "api": Service(instances: 4, service_time: LogNormal(mean: "15ms", cv: 1.2), state: InMemory(snapshot_every: "5s"),
            instance_overrides: {2: (speed: 2)}),
    },
    links: ["clients -> lb", Link(path: "lb -> api", latency: "500us")],
    scenario: [At("60s", Crash("api", 2)), Between("75s", "80s", Restart("api", 2))],
    expects: ["sessions.lost > 0"],
    canvas: {"clients": (80, 200)},
)"#;
        let topology: Topology = ron_options().from_str(text).unwrap();
        let written = to_ron(&topology);
        assert_eq!(
            ron_options().from_str::<Topology>(&written).unwrap(),
            topology
        );
        assert!(
            !written.contains("workers"),
            "defaults are left out: {written}"
        );
        assert!(
            written.contains("InMemory(snapshot_every: \"5s\")"),
            "{written}"
        );
    }

    #[test]
    fn paths_read_set_and_add() {
        let mut topology = Topology::default();
        topology.set_path("nodes.api", "Service()").unwrap();
        topology.set_path("nodes.store", "RedisLike()").unwrap();
        topology
            .set_path("nodes.api.state", "External(store: \"store\")")
            .unwrap();
        topology
            .set_path("sessions", "ServerSide(store: \"store\")")
            .unwrap();
        topology
            .set_path("nodes.api.service_time", "LogNormal(mean: \"5ms\", cv: 1)")
            .unwrap();
        topology
            .set_path("nodes.api.service_time.mean", "7ms")
            .unwrap();
        assert_eq!(
            topology.get_path("nodes.api.service_time.mean").unwrap(),
            "\"7ms\""
        );
        topology
            .set_path("links.api->store", "\"api -> store\"")
            .unwrap();
        topology
            .set_path("links.api -> store.latency", "2ms")
            .unwrap();
        assert!(
            matches!(&topology.nodes["api"], Node::Service(s) if matches!(s.state, State::External(_)))
        );
        let error = topology
            .set_path("nodes.api.instanses", "3")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("nodes.api") && error.contains("did you mean `instances`"),
            "{error}"
        );
        let error = topology
            .set_path("nodes.api.instances", "0")
            .unwrap_err()
            .to_string();
        assert!(error.contains("out of range"), "{error}");
        let error = topology
            .set_path("nodes.api.boot_time", "5 sec")
            .unwrap_err()
            .to_string();
        assert!(error.contains("not a unit"), "{error}");
    }

    #[test]
    fn a_bare_topology_has_bare_defaults() {
        let text = r#"Topology(schema: 1, profile: Bare, nodes: {"clients": Clients(), "api": Service()})"#;
        let topology: Topology =
            with_profile(Profile::Bare, || ron_options().from_str(text).unwrap());
        let Node::Clients(clients) = &topology.nodes["clients"] else {
            panic!()
        };
        assert_eq!(clients.timeout, None);
        assert_eq!(topology.get_path("sessions").unwrap(), "None");
        let shared = r#"{"a": Clients(note: "r#None 1.0"), "b": RedisLike(persistence: None)}"#;
        assert_eq!(
            to_ron(
                &ron_options()
                    .from_str::<IndexMap<String, Node>>(shared)
                    .unwrap()
            ),
            shared
        );
        let written = with_profile(Profile::Bare, || to_ron(&topology));
        assert!(!written.contains("timeout"), "{written}");
    }
}
