//! Names of nodes: giving one another name, with all that refers to it; names and identities that are free.
//!
//! A node draws its random numbers by its identity, which is its `id` or, where that is empty, its name. A renamed node
//! keeps the identity it had, so nothing but its name changes in a run.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::expect::Expectation;
use super::node::Node;
use super::scenario::{Command, Timed};
use super::settings::{from_ron, to_ron, with_profile};
use super::state::{Sessions, SnapshotTo, State};
use super::topology::{Link, Links, MAX_NAME, Topology, check_name};

/// Other names for nodes, all given at once: two may change places. Or other ends for a link, which all that refers to it
/// follows as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renaming {
    names: BTreeMap<String, String>,
    /// A link's calling and called node, and those that it gets.
    ends: Option<[(String, String); 2]>,
}

impl FromIterator<(String, String)> for Renaming {
    /// From old and new names; those that stay the same are left out.
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self {
            names: pairs.into_iter().filter(|(old, new)| old != new).collect(),
            ends: None,
        }
    }
}

impl Renaming {
    /// One node gets another name.
    pub fn one(old: &str, new: &str) -> Self {
        Self::from_iter([(old.to_owned(), new.to_owned())])
    }

    /// A link gets other ends; every node keeps its name.
    pub(super) fn of_link(old: (String, String), new: (String, String)) -> Self {
        Self {
            names: BTreeMap::new(),
            ends: (old != new).then_some([old, new]),
        }
    }

    /// The nodes that are the same in both, by their identity and kind, and are called differently.
    pub fn between(from: &Topology, to: &Topology) -> Self {
        if from.nodes.keys().eq(to.nodes.keys()) {
            return Self::default();
        }
        let known: BTreeMap<&str, (&String, &Node)> = from
            .nodes
            .iter()
            .map(|(name, node)| (identity(name, node), (name, node)))
            .collect();
        let same = |(name, node): (&String, &Node)| {
            let (old, before) = known.get(identity(name, node))?;
            let kind = std::mem::discriminant::<Node>;
            (kind(before) == kind(node)).then(|| ((*old).clone(), name.clone()))
        };
        to.nodes.iter().filter_map(same).collect()
    }

    /// Makes way where a new name is known already, as that of a node that is gone: that one gets another then.
    pub fn make_way<'n>(&mut self, known: impl Iterator<Item = &'n str>) {
        let known: BTreeSet<&str> = known.collect();
        let given: BTreeSet<String> = self.names.values().cloned().collect();
        for name in &given {
            if !known.contains(name.as_str()) || self.names.contains_key(name) {
                continue;
            }
            let is_taken = |wanted: &str| {
                known.contains(wanted) || self.names.values().any(|given| given == wanted)
            };
            let free = next_free(name, |wanted| !is_taken(wanted));
            self.names.insert(name.clone(), free);
        }
    }

    /// Whether nothing gets another name.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.ends.is_none()
    }

    /// What a node is called now, if that is something else.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.names.get(name).map(String::as_str)
    }

    /// Brings a name up to date; whether it changed.
    pub fn name(&self, name: &mut String) -> bool {
        let new = self.names.get(name.as_str());
        if let Some(new) = new {
            name.clone_from(new);
        }
        new.is_some()
    }

    /// Brings the two ends of a link up to date.
    fn ends(&self, from: &mut String, to: &mut String) -> bool {
        if let Some([old, new]) = &self.ends
            && (&*from, &*to) == (&old.0, &old.1)
        {
            (*from, *to) = new.clone();
            return true;
        }
        self.name(from) | self.name(to)
    }

    /// Brings a link's key or path, "a->b" or "a -> b", up to date.
    pub fn link(&self, path: &mut String) -> bool {
        let Some((from, to)) = path.split_once("->") else {
            return false;
        };
        let arrow = if from.ends_with(' ') { " -> " } else { "->" };
        let (mut from, mut to) = (from.trim().to_owned(), to.trim().to_owned());
        let changed = self.ends(&mut from, &mut to);
        if changed {
            *path = format!("{from}{arrow}{to}");
        }
        changed
    }

    /// Brings the keys of a map by node up to date.
    pub fn keys<T>(&self, map: &mut BTreeMap<String, T>) {
        if map.keys().any(|name| self.names.contains_key(name)) {
            let old = std::mem::take(map);
            map.extend(old.into_iter().map(|(mut name, value)| {
                self.name(&mut name);
                (name, value)
            }));
        }
    }

    fn entries<T>(&self, map: &mut IndexMap<String, T>) {
        if map.keys().any(|name| self.names.contains_key(name)) {
            let old = std::mem::take(map);
            map.extend(old.into_iter().map(|(mut name, value)| {
                self.name(&mut name);
                (name, value)
            }));
        }
    }

    /// Brings a topology up to date: its nodes, which keep their places and identities, and all that refers to them.
    pub fn topology(&self, topology: &mut Topology) {
        if self.is_empty() {
            return;
        }
        with_profile(topology.profile, || {
            for (name, node) in &mut topology.nodes {
                if let Some(new) = self.get(name) {
                    keep_identity(name, new, node);
                }
                self.node(node);
            }
            self.entries(&mut topology.nodes);
            self.links(&mut topology.links);
            self.sessions(&mut topology.sessions);
            for timed in &mut topology.scenario {
                self.timed(timed);
            }
            for text in &mut topology.expects {
                self.expectation(text);
            }
            self.entries(&mut topology.canvas);
        });
    }

    /// Brings what a node refers to up to date.
    fn node(&self, node: &mut Node) -> bool {
        match node {
            Node::Service(service) => self.state(&mut service.state),
            _ => false,
        }
    }

    /// Brings the stores that a placement of state names up to date.
    pub fn state(&self, state: &mut State) -> bool {
        match state {
            State::External(external) => self.name(&mut external.store),
            State::InMemory(memory) => self.snapshot_to(&mut memory.snapshot_to),
            State::Stateless | State::LocalDisk(_) | State::LocalDatabase(_) => false,
        }
    }

    fn snapshot_to(&self, to: &mut SnapshotTo) -> bool {
        match to {
            SnapshotTo::ObjectStore(store) => self.name(store),
            SnapshotTo::Volume | SnapshotTo::Instance => false,
        }
    }

    /// Brings the store that keeps sessions up to date.
    pub fn sessions(&self, sessions: &mut Sessions) -> bool {
        sessions.store_mut().is_some_and(|store| self.name(store))
    }

    fn links(&self, links: &mut Links) -> bool {
        let mut changed = false;
        for link in &mut links.0 {
            changed |= self.one_link(link);
        }
        changed
    }

    fn one_link(&self, link: &mut Link) -> bool {
        let changed = self.ends(&mut link.from, &mut link.to);
        if changed {
            link.settings.path = format!("{} -> {}", link.from, link.to);
        }
        changed
    }

    /// Brings an event up to date.
    pub fn timed(&self, timed: &mut Timed) -> bool {
        match timed {
            Timed::At(_, command) | Timed::Between(_, _, command) => self.command(command),
        }
    }

    /// Brings a command up to date, the path and the value of `Set` included.
    pub fn command(&self, command: &mut Command) -> bool {
        match command {
            Command::Crash(name, _)
            | Command::LoseMachine(name, _)
            | Command::Hang(name, _)
            | Command::Resume(name, _)
            | Command::Restart(name, _)
            | Command::Failover(name)
            | Command::ForceFailover(name)
            | Command::Deploy(name, _)
            | Command::AddInstances(name, _)
            | Command::RemoveInstances(name, _)
            | Command::SlowInstance(name, _, _)
            | Command::Remove(name) => self.name(name),
            Command::Add(name, node) => {
                let old = name.clone();
                let changed = self.name(name);
                if changed {
                    keep_identity(&old, name, node);
                }
                self.node(node) | changed
            }
            Command::Link(path) | Command::Unlink(path) => self.link(path),
            Command::Set(path, value) => {
                let value = self.value(path, value);
                self.path(path) | value
            }
            Command::Cut(sides)
            | Command::CutOneWay(sides)
            | Command::Slow(sides, _)
            | Command::Lose(sides, _)
            | Command::Heal(sides) => sides.renamed(self),
            Command::ReplaceSigningKey | Command::RotateKeys(_) | Command::LoseZone(_) => false,
        }
    }

    /// Brings a path such as `nodes.api.workers`, `links.lb->api.latency` or `canvas.api[0]` up to date.
    fn path(&self, path: &mut String) -> bool {
        let mut parts = path.splitn(3, '.');
        let (Some(list), Some(entry)) = (parts.next(), parts.next()) else {
            return false;
        };
        let rest = parts.next();
        let (entry, place) = entry.split_at(entry.find('[').unwrap_or(entry.len()));
        let mut entry = entry.trim().to_owned();
        let changed = match list.trim() {
            "nodes" | "canvas" => self.name(&mut entry),
            "links" => self.link(&mut entry),
            _ => false,
        };
        if changed {
            let rest = rest.map_or_else(String::new, |rest| format!(".{rest}"));
            *path = format!("{list}.{entry}{place}{rest}");
        }
        changed
    }

    /// Brings the value that `Set` gives to a path up to date, where one such can name nodes.
    fn value(&self, path: &str, value: &mut String) -> bool {
        let bare: String = path.chars().filter(|c| !c.is_whitespace()).collect();
        let parts: Vec<&str> = bare.split('.').collect();
        let is_link = |entry: &str| entry.starts_with("links[") || entry.contains("->");
        match parts[..] {
            ["nodes"] => rewrite(value, |nodes: &mut IndexMap<String, Node>| {
                let mut changed = nodes.keys().any(|name| self.get(name).is_some());
                self.entries(nodes);
                for node in nodes.values_mut() {
                    changed |= self.node(node);
                }
                changed
            }),
            ["nodes", _] => rewrite(value, |node| self.node(node)),
            ["nodes", _, "state"] => rewrite(value, |state| self.state(state)),
            ["nodes", _, "state", "store"] | ["sessions", "store"] => {
                rewrite(value, |store| self.name(store))
            }
            ["nodes", _, "state", "snapshot_to"] => rewrite(value, |to| self.snapshot_to(to)),
            ["sessions"] => rewrite(value, |sessions| self.sessions(sessions)),
            ["links"] => rewrite(value, |links| self.links(links)),
            ["links", _, "path"] => rewrite(value, |path| self.link(path)),
            [list, "path"] if is_link(list) => rewrite(value, |path| self.link(path)),
            ["links", _] => rewrite(value, |link| self.one_link(link)),
            [list] if is_link(list) => rewrite(value, |link| self.one_link(link)),
            ["scenario"] => rewrite(value, |events: &mut Vec<Timed>| {
                events
                    .iter_mut()
                    .fold(false, |changed, event| self.timed(event) | changed)
            }),
            [list] if list.starts_with("scenario[") => rewrite(value, |timed| self.timed(timed)),
            ["expects"] => rewrite(value, |texts: &mut Vec<String>| {
                texts
                    .iter_mut()
                    .fold(false, |changed, text| self.expectation(text) | changed)
            }),
            [list] if list.starts_with("expects[") => rewrite(value, |text| self.expectation(text)),
            ["canvas"] => rewrite(value, |places: &mut IndexMap<String, (f32, f32)>| {
                let changed = places.keys().any(|name| self.get(name).is_some());
                self.entries(places);
                changed
            }),
            _ => false,
        }
    }

    /// Brings an assertion such as `nodes.api.utilisation < 0.9` up to date; one that cannot be read stays.
    fn expectation(&self, text: &mut String) -> bool {
        let Ok(mut expectation) = text.parse::<Expectation>() else {
            return false;
        };
        let metric = &mut expectation.metric;
        let over = metric.over.as_mut().is_some_and(|over| self.path(over));
        let changed = self.path(&mut metric.path) | over;
        if changed {
            *text = expectation.to_string();
        }
        changed
    }
}

/// Changes a value that is written as in a file; left as it is where it cannot be read or nothing changes.
fn rewrite<T: DeserializeOwned + Serialize>(
    text: &mut String,
    change: impl FnOnce(&mut T) -> bool,
) -> bool {
    let Ok(mut value) = from_ron::<T>(text) else {
        return false;
    };
    let changed = change(&mut value);
    if changed {
        let written = to_ron(&value);
        // A text without quotes stays so.
        let bare = written.strip_prefix('"').and_then(|w| w.strip_suffix('"'));
        *text = match bare {
            Some(bare) if !text.trim_start().starts_with('"') => bare.to_owned(),
            _ => written,
        };
    }
    changed
}

/// A node that gets another name keeps the identity that it had by the old one.
fn keep_identity(old: &str, new: &str, node: &mut Node) {
    let identity = identity(old, node).to_owned();
    *node.id_mut() = if identity == new {
        String::new()
    } else {
        identity
    };
}

/// What a node's random draws are keyed by: its `id`, or else its name.
pub fn identity<'a>(name: &'a str, node: &'a Node) -> &'a str {
    if node.id().is_empty() {
        name
    } else {
        node.id()
    }
}

/// Whether a node is called that, now or once an event of the scenario has added it.
fn is_taken(topology: &Topology, name: &str) -> bool {
    let adds = |timed: &Timed| timed.command().adds() == Some(name);
    topology.nodes.contains_key(name) || topology.scenario.iter().any(adds)
}

/// A name like the wanted one that no node has: itself, or with the next number, as `api2` after `api`.
pub fn free_name(topology: &Topology, wanted: &str) -> String {
    free_name_but(topology, wanted, |_| false)
}

/// The same, also none that `refused` knows.
pub fn free_name_but(topology: &Topology, wanted: &str, refused: impl Fn(&str) -> bool) -> String {
    next_free(wanted, |name| !is_taken(topology, name) && !refused(name))
}

/// The wanted name, or with the next number.
fn next_free(wanted: &str, free: impl Fn(&str) -> bool) -> String {
    if free(wanted) {
        return wanted.to_owned();
    }
    // A copy of `api2` is `api3`.
    let stem = wanted.trim_end_matches(|c: char| c.is_ascii_digit());
    let stem = if stem.is_empty() { wanted } else { stem };
    (2_u32..)
        .map(|number| {
            let number = number.to_string();
            let stem: String = stem.chars().take(MAX_NAME - number.len()).collect();
            stem + &number
        })
        .find(|name| free(name))
        .unwrap_or_default()
}

impl Topology {
    /// Whether a node may be given that name; the error says why not.
    ///
    /// # Errors
    /// It is no name, or taken.
    pub fn may_be_renamed(&self, name: &str, new: &str) -> Result<(), String> {
        check_name(new)?;
        if new == name {
            Ok(())
        } else if self.nodes.contains_key(new) {
            Err(format!("there is a node `{new}` already"))
        } else if is_taken(self, new) {
            Err(format!("an event of the scenario adds a node `{new}`"))
        } else {
            Ok(())
        }
    }

    /// Gives a node another name. All that refers to it follows, and it keeps its identity, so its random draws stay.
    ///
    /// # Errors
    /// There is no such node, or it may not be called that; then nothing has changed.
    pub fn rename(&mut self, name: &str, new: &str) -> Result<(), String> {
        if !self.nodes.contains_key(name) {
            return Err(format!("there is no node `{name}`"));
        }
        self.may_be_renamed(name, new)?;
        Renaming::one(name, new).topology(self);
        Ok(())
    }

    /// A node without an `id` whose name is the identity of another gets one of its own: both would draw the same.
    pub(super) fn give_identity(&mut self, name: &str) {
        let Some(node) = self.nodes.get(name) else {
            return;
        };
        let is_mine = |wanted: &str| {
            let mut others = self.nodes.iter().filter(|(other, _)| *other != name);
            !others.any(|(other, node)| identity(other, node) == wanted)
        };
        if !node.id().is_empty() || is_mine(name) {
            return;
        }
        let fresh = (2_u32..)
            .map(|number| format!("{name}-{number}"))
            .find(|id| is_mine(id) && !is_taken(self, id));
        if let (Some(fresh), Some(node)) = (fresh, self.nodes.get_mut(name)) {
            *node.id_mut() = fresh;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::file;

    fn topology(text: &str) -> Topology {
        file::read(text, "test.ron").unwrap()
    }

    const ALL: &str = r#"Topology(
    schema: 1,
    sessions: ServerSide(store: "db"),
    nodes: {
        "clients": Clients(),
        "lb": LoadBalancer(),
        "api": Service(state: External(store: "db")),
        "snap": Service(state: InMemory(snapshot_every: "5s", snapshot_to: ObjectStore("db"))),
        "db": SqlDatabase(),
    },
    links: ["clients -> lb", Link(path: "lb -> api", latency: "2ms"), "api -> snap", "api -> db"],
    scenario: [
        At("1s", Crash("db", 1)),
        Between("2s", "3s", Failover("db")),
        At("4s", Set("nodes.db.connections", "16")),
        At("5s", Set("nodes.api.state", "External(store: \"db\")")),
        At("6s", Set("nodes.api.state.store", "db")),
        At("7s", Set("sessions.store", "\"db\"")),
        At("8s", Set("links.api->db.latency", "2ms")),
        At("9s", Set("links.api->db", "api -> db")),
        At("10s", Set("canvas.db[0]", "480")),
        At("11s", Set("nodes.api.note", "\"db\"")),
        At("12s", Unlink("api -> db")),
        At("13s", Add("late", Service(state: External(store: "db")))),
        At("14s", Set("expects", "[\"nodes.db.utilisation < 0.5\"]")),
        At("15s", Set("scenario[0]", "At(\"16s\", Crash(\"db\", 1))")),
        At("16s", Set("links[3].path", "\"api -> db\"")),
        At("17s", Remove("db")),
    ],
    expects: [
        "nodes.db.utilisation < 0.9",
        "links.api->db.messages_per_s / links.lb->api.messages_per_s >= 1",
        "operations.failed   ==   0",
    ],
    canvas: {"clients": (80, 200), "db": (680, 200)},
)"#;

    #[test]
    fn all_that_refers_to_a_node_follows_its_name() {
        let mut renamed = topology(ALL);
        renamed.rename("db", "shelf").unwrap();
        let mut expected = topology(&ALL.replace("db", "shelf"));
        *expected.nodes["shelf"].id_mut() = "db".into();
        // A remark is not a reference.
        expected.scenario[9] = topology(ALL).scenario[9].clone();
        for (got, wanted) in renamed.scenario.iter().zip(&expected.scenario) {
            assert_eq!(got, wanted);
        }
        assert_eq!(renamed, expected);
        assert_eq!(renamed.nodes.get_index_of("shelf"), Some(4));
        assert_eq!(
            renamed.expects[2], "operations.failed   ==   0",
            "what does not change stays as it was written"
        );
    }

    #[test]
    fn a_renamed_node_keeps_its_identity_and_gets_its_name_back_without_a_trace() {
        let mut renamed = topology(ALL);
        renamed.rename("api", "shop").unwrap();
        assert_eq!(identity("shop", &renamed.nodes["shop"]), "api");
        renamed.rename("shop", "store").unwrap();
        assert_eq!(identity("store", &renamed.nodes["store"]), "api");
        renamed.rename("store", "api").unwrap();
        assert_eq!(renamed, topology(ALL));
    }

    #[test]
    fn names_that_cannot_be_are_refused_and_change_nothing() {
        let mut renamed = topology(ALL);
        for (new, why) in [
            ("", "needs a name"),
            ("a.b", "cannot be a node's name"),
            ("lb", "already"),
            ("late", "scenario adds"),
        ] {
            let error = renamed.rename("api", new).unwrap_err();
            assert!(error.contains(why), "{new}: {error}");
        }
        assert!(renamed.rename("nobody", "x").is_err());
        renamed.rename("api", "api").unwrap();
        assert_eq!(renamed, topology(ALL));
    }

    #[test]
    fn two_nodes_can_change_names() {
        let mut swapped = topology(ALL);
        let swap = Renaming::from_iter([
            ("api".to_owned(), "snap".to_owned()),
            ("snap".to_owned(), "api".to_owned()),
        ]);
        swap.topology(&mut swapped);
        assert_eq!(swapped.links.0[2].key(), "snap->api");
        assert_eq!(Renaming::between(&topology(ALL), &swapped), swap);
        swap.topology(&mut swapped);
        assert_eq!(swapped, topology(ALL));
    }

    #[test]
    fn what_was_renamed_is_found_between_two_topologies() {
        let before = topology(ALL);
        assert!(Renaming::between(&before, &before).is_empty());
        let mut after = before.clone();
        after.rename("db", "shelf").unwrap();
        after.nodes.shift_remove("clients");
        assert_eq!(
            Renaming::between(&before, &after),
            Renaming::one("db", "shelf")
        );
        // Removed and added anew as something else is not renamed.
        let mut other = before.clone();
        other.nodes.shift_remove("db");
        other
            .set_path("nodes.shelf", "RedisLike(id: \"db\")")
            .unwrap();
        assert!(Renaming::between(&before, &other).is_empty());
    }

    #[test]
    fn a_new_node_called_like_anothers_identity_gets_its_own() {
        let mut renamed = topology(ALL);
        renamed.rename("api", "shop").unwrap();
        renamed.set_path("nodes.api", "Service()").unwrap();
        assert_eq!(renamed.nodes["api"].id(), "api-2");
        renamed.nodes.shift_remove("api");
        let node = topology(ALL).nodes["snap"].clone();
        renamed.apply(&Command::Add("api".into(), node)).unwrap();
        assert_eq!(renamed.nodes["api"].id(), "api-2");
        // One with a name of its own needs none.
        renamed.set_path("nodes.new", "Service()").unwrap();
        assert_eq!(renamed.nodes["new"].id(), "");
    }

    #[test]
    fn what_a_file_said_explicitly_is_said_again_of_what_was_renamed() {
        let text = r#"Topology(
    schema: 1,
    nodes: {
        "clients": Clients(),
        "api": Service(workers: 8, state: InMemory()),
    },
    links: [
        (path: "clients -> api", latency: "125us"),
    ],
    scenario: [
        At("10s", Add("more", Service(workers: 8))),
        At("20s", Crash("api", 1)),
    ],
)
"#;
        let original = topology(text);
        let mut renamed = original.clone();
        renamed.rename("api", "shop").unwrap();
        let written = file::write_like(&renamed, text, &original);
        let expected = text.replace("api", "shop").replace(
            "Service(workers: 8, state",
            "Service(id: \"api\", workers: 8, state",
        );
        assert_eq!(written, expected);
    }

    #[test]
    fn free_names_count_on() {
        let mut many = topology(ALL);
        assert_eq!(free_name(&many, "cache"), "cache");
        assert_eq!(free_name(&many, "api"), "api2");
        assert_eq!(free_name(&many, "late"), "late2", "an event adds `late`");
        many.set_path("nodes.api2", "Service()").unwrap();
        assert_eq!(free_name(&many, "api2"), "api3");
        let long = "n".repeat(MAX_NAME);
        many.set_path(&format!("nodes.{long}"), "Service()")
            .unwrap();
        let free = free_name(&many, &long);
        assert!(check_name(&free).is_ok() && free.ends_with('2'), "{free}");
    }
}
