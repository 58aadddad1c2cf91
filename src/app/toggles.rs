//! The two toggles, where state lives and how sessions are kept, as edits that always lead to a running topology.

use crate::model::check::{Severity, check};
use crate::model::node::{Policy, RedisLike};
use crate::model::settings::to_ron;
use crate::model::state::{External, InMemory, Jwt, LocalDatabase, LocalDisk};
use crate::model::state::{ServerSide, SessionsInMemory};
use crate::model::{Command, Node, Sessions, State, Topology};

/// Where a service's state may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// Nowhere here.
    Stateless,
    /// In memory.
    Memory,
    /// On a local disk.
    Disk,
    /// In a database on the machine.
    LocalDatabase,
    /// In a store of its own.
    External,
}

/// How sessions may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// Not at all.
    None,
    /// In signed tokens.
    Jwt,
    /// In a store.
    Server,
    /// In the memory of one instance.
    Sticky,
}

/// What a choice would do.
#[derive(Clone, Debug, PartialEq)]
pub enum Offer {
    /// It is so already.
    Current,
    /// An edit, and its name.
    Edit(Vec<Command>, String),
    /// It cannot be; why, and the edit of the nearest choice that can.
    Not {
        /// Why, in a sentence.
        reason: String,
        /// The edit of the nearest choice that can be, and its name; none if that is in use already.
        nearest: Option<(Vec<Command>, String)>,
    },
}

impl Placement {
    /// All, in the order of the toggle.
    pub const ALL: [Self; 5] = [
        Self::Stateless,
        Self::Memory,
        Self::Disk,
        Self::LocalDatabase,
        Self::External,
    ];

    /// That of a service's state.
    pub fn of(state: &State) -> Self {
        match state {
            State::Stateless => Self::Stateless,
            State::InMemory(_) => Self::Memory,
            State::LocalDisk(_) => Self::Disk,
            State::LocalDatabase(_) => Self::LocalDatabase,
            State::External(_) => Self::External,
        }
    }
}

impl SessionKind {
    /// All, in the order of the toggle.
    pub const ALL: [Self; 4] = [Self::None, Self::Jwt, Self::Server, Self::Sticky];

    /// That of a topology's sessions.
    pub fn of(sessions: &Sessions) -> Self {
        match sessions {
            Sessions::None => Self::None,
            Sessions::Jwt(_) => Self::Jwt,
            Sessions::ServerSide(_) => Self::Server,
            Sessions::InMemory(_) => Self::Sticky,
        }
    }
}

/// Name of a store that is added, unless it is taken.
const STORE: &str = "store";

/// What it would take to keep a service's state elsewhere.
pub fn place(topology: &Topology, service: &str, wanted: Placement) -> Offer {
    let Some(Node::Service(node)) = topology.nodes.get(service) else {
        return Offer::Not {
            reason: format!("{service} is no service"),
            nearest: None,
        };
    };
    if Placement::of(&node.state) == wanted {
        return Offer::Current;
    }
    let edit = placement_edit(topology, service, wanted);
    judge(topology, edit, || {
        (Placement::of(&node.state) != Placement::External)
            .then(|| placement_edit(topology, service, Placement::External))
    })
}

/// What it would take to keep sessions otherwise.
pub fn keep_sessions(topology: &Topology, wanted: SessionKind) -> Offer {
    let current = SessionKind::of(&topology.sessions);
    if current == wanted {
        return Offer::Current;
    }
    let edit = sessions_edit(topology, wanted);
    judge(topology, edit, || {
        (current != SessionKind::Server).then(|| sessions_edit(topology, SessionKind::Server))
    })
}

/// Offers the edit if it leads to a topology that can be run, or if nothing is worse than before.
fn judge(
    topology: &Topology,
    edit: (Vec<Command>, String),
    nearest: impl FnOnce() -> Option<(Vec<Command>, String)>,
) -> Offer {
    match broken_by(topology, &edit.0) {
        None => Offer::Edit(edit.0, edit.1),
        Some(reason) => Offer::Not {
            reason,
            nearest: nearest().filter(|(commands, _)| broken_by(topology, commands).is_none()),
        },
    }
}

/// Why the topology could not be run after the commands, if it could before.
fn broken_by(topology: &Topology, commands: &[Command]) -> Option<String> {
    let mut changed = topology.clone();
    for command in commands {
        if let Err(error) = changed.apply(command) {
            return Some(error.to_string());
        }
    }
    let before = problems(topology);
    problems(&changed)
        .into_iter()
        .find(|problem| !before.contains(problem))
}

fn placement_edit(topology: &Topology, service: &str, wanted: Placement) -> (Vec<Command>, String) {
    let mut commands = Vec::new();
    let (state, label) = match wanted {
        Placement::Stateless => (State::Stateless, format!("{service} keeps no state")),
        Placement::Memory => (
            State::InMemory(InMemory::default()),
            format!("{service} keeps state in memory"),
        ),
        Placement::Disk => (
            State::LocalDisk(LocalDisk::default()),
            format!("{service} keeps state on its disk"),
        ),
        Placement::LocalDatabase => (
            State::LocalDatabase(LocalDatabase::default()),
            format!("{service} keeps state in a local database"),
        ),
        Placement::External => {
            let is_store = Node::is_store;
            let (store, added) = store_for(topology, is_store, &mut commands);
            let label = if added {
                format!("Added {store}, where {service} keeps state")
            } else {
                format!("{service} keeps state in {store}")
            };
            (State::External(External { store }), label)
        }
    };
    commands.push(Command::Set(
        format!("nodes.{service}.state"),
        to_ron(&state),
    ));
    (commands, label)
}

fn sessions_edit(topology: &Topology, wanted: SessionKind) -> (Vec<Command>, String) {
    let mut commands = Vec::new();
    let (sessions, label) = match wanted {
        SessionKind::None => (Sessions::None, "No sessions".to_owned()),
        SessionKind::Jwt => (
            Sessions::Jwt(Jwt::default()),
            "Sessions kept in tokens".to_owned(),
        ),
        SessionKind::Server => {
            // An object store takes a fifth of a second for each request: never chosen unasked.
            let quick = |node: &Node| matches!(node, Node::RedisLike(_) | Node::SqlDatabase(_));
            let (store, added) = store_for(topology, quick, &mut commands);
            let label = if added {
                format!("Added {store}, where sessions are kept")
            } else {
                format!("Sessions kept in {store}")
            };
            let sessions = ServerSide {
                store,
                ..ServerSide::default()
            };
            (Sessions::ServerSide(sessions), label)
        }
        SessionKind::Sticky => {
            for balancer in first_balancers(topology) {
                commands.push(Command::Set(
                    format!("nodes.{balancer}.policy"),
                    to_ron(&Policy::StickyCookie),
                ));
            }
            (
                Sessions::InMemory(SessionsInMemory::default()),
                "Sessions kept in memory, users sticky".to_owned(),
            )
        }
    };
    commands.push(Command::Set("sessions".into(), to_ron(&sessions)));
    (commands, label)
}

/// A store that fits: one named `store` first, then the first of the file; else one is added.
fn store_for(
    topology: &Topology,
    fits: impl Fn(&Node) -> bool,
    commands: &mut Vec<Command>,
) -> (String, bool) {
    if topology.nodes.get(STORE).is_some_and(&fits) {
        return (STORE.to_owned(), false);
    }
    let redis_first = |node: &Node| !matches!(node, Node::RedisLike(_));
    let existing = topology
        .nodes
        .iter()
        .filter(|(_, node)| fits(node))
        .min_by_key(|(_, node)| redis_first(node));
    if let Some((name, _)) = existing {
        return (name.clone(), false);
    }
    let name = free_name(topology, STORE);
    commands.push(Command::Add(
        name.clone(),
        Node::RedisLike(RedisLike::default()),
    ));
    (name, true)
}

/// The name itself, or with the first number that makes it free.
pub fn free_name(topology: &Topology, name: &str) -> String {
    if !topology.nodes.contains_key(name) {
        return name.to_owned();
    }
    (2..)
        .map(|n| format!("{name}{n}"))
        .find(|name| !topology.nodes.contains_key(name))
        .unwrap_or_default()
}

/// The balancers that clients call, whose policy is not sticky yet.
fn first_balancers(topology: &Topology) -> Vec<String> {
    let called_by_clients = |name: &String| {
        topology.links.0.iter().any(|link| {
            link.to == *name && matches!(topology.nodes.get(&link.from), Some(Node::Clients(_)))
        })
    };
    topology
        .nodes
        .iter()
        .filter(|(name, node)| {
            matches!(node, Node::LoadBalancer(lb) if lb.policy != Policy::StickyCookie)
                && called_by_clients(name)
        })
        .map(|(name, _)| name.clone())
        .collect()
}

/// A store that something used before and nothing uses or calls now.
pub fn store_left_unused(before: &Topology, after: &Topology) -> Option<String> {
    after
        .nodes
        .iter()
        .find(|(name, node)| node.is_store() && is_used(before, name) && !is_used(after, name))
        .map(|(name, _)| name.clone())
}

fn is_used(topology: &Topology, store: &str) -> bool {
    let by_sessions = matches!(&topology.sessions, Sessions::ServerSide(s) if s.store == store);
    let by_service = |node: &Node| match node {
        Node::Service(service) => {
            matches!(&service.state, State::External(external) if external.store == store)
        }
        _ => false,
    };
    by_sessions
        || topology.nodes.values().any(by_service)
        || topology.links.0.iter().any(|link| link.to == store)
}

/// Why a topology cannot be run, in a sentence; none if it can.
pub fn problem(topology: &Topology) -> Option<String> {
    problems(topology).into_iter().next()
}

fn problems(topology: &Topology) -> Vec<String> {
    check(topology)
        .into_iter()
        .filter(|problem| problem.severity == Severity::Error)
        .map(|problem| problem.message)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{file, presets};

    fn preset(name: &str) -> Topology {
        file::read(presets::find(name).unwrap().text, name).unwrap()
    }

    fn after(topology: &Topology, commands: &[Command]) -> Topology {
        let mut changed = topology.clone();
        for command in commands {
            changed.apply(command).unwrap();
        }
        changed
    }

    fn services(topology: &Topology) -> Vec<String> {
        let is_service = |(_, node): &(&String, &Node)| matches!(node, Node::Service(_));
        let names = topology.nodes.iter().filter(is_service);
        names.map(|(name, _)| name.clone()).collect()
    }

    /// From every preset, every choice, and every choice after that: whatever is offered can be run.
    #[test]
    fn whatever_is_offered_leads_to_a_topology_that_runs() {
        fn offers(topology: &Topology) -> Vec<Topology> {
            let mut all = Vec::new();
            for service in services(topology) {
                all.extend(Placement::ALL.map(|wanted| place(topology, &service, wanted)));
            }
            all.extend(SessionKind::ALL.map(|wanted| keep_sessions(topology, wanted)));
            let edits = all.into_iter().filter_map(|offer| match offer {
                Offer::Current => None,
                Offer::Edit(commands, label) => Some((commands, label)),
                Offer::Not { reason, nearest } => {
                    assert!(!reason.is_empty());
                    nearest
                }
            });
            edits
                .map(|(commands, label)| {
                    assert!(!label.is_empty());
                    let changed = after(topology, &commands);
                    assert_eq!(problem(&changed), None, "{label}: {commands:?}");
                    changed
                })
                .collect()
        }
        for preset in presets::all() {
            let topology = file::read(preset.text, preset.name).unwrap();
            for once in offers(&topology) {
                offers(&once);
            }
        }
    }

    #[test]
    fn a_store_is_added_only_where_there_is_none() {
        let sticky = preset("sticky-in-memory");
        let Offer::Edit(commands, label) = keep_sessions(&sticky, SessionKind::Server) else {
            panic!("sessions can be kept in a store");
        };
        assert!(label.contains("Added store"), "{label}");
        let with_store = after(&sticky, &commands);
        assert!(matches!(with_store.nodes["store"], Node::RedisLike(_)));
        let Offer::Edit(commands, label) = place(&with_store, "api", Placement::External) else {
            panic!("state can be kept in a store");
        };
        assert_eq!(commands.len(), 1, "{commands:?}");
        assert_eq!(label, "api keeps state in store");
    }

    #[test]
    fn a_name_that_is_taken_is_not_used() {
        let mut topology = preset("sticky-in-memory");
        topology.set_path("nodes.store", "Service()").unwrap();
        topology
            .set_path("links.api->store", "\"api -> store\"")
            .unwrap();
        let mut commands = Vec::new();
        let (name, added) = store_for(&topology, Node::is_store, &mut commands);
        assert_eq!((name.as_str(), added), ("store2", true));
    }

    #[test]
    fn stateless_where_writes_have_no_other_home_is_refused_with_the_nearest() {
        let sticky = preset("sticky-in-memory");
        let Offer::Not { reason, nearest } = place(&sticky, "api", Placement::Stateless) else {
            panic!("nothing else keeps the writes");
        };
        assert!(!reason.is_empty());
        let changed = after(&sticky, &nearest.unwrap().0);
        let Node::Service(api) = &changed.nodes["api"] else {
            panic!()
        };
        assert_eq!(Placement::of(&api.state), Placement::External);
    }

    #[test]
    fn sticky_sessions_get_sticky_routing() {
        let mut topology = preset("sticky-in-memory");
        topology.set_path("nodes.lb.policy", "RoundRobin").unwrap();
        topology.set_path("sessions", "Jwt()").unwrap();
        let Offer::Edit(commands, _) = keep_sessions(&topology, SessionKind::Sticky) else {
            panic!("sessions can be sticky");
        };
        let changed = after(&topology, &commands);
        assert_eq!(changed.get_path("nodes.lb.policy").unwrap(), "StickyCookie");
    }

    #[test]
    fn going_back_says_which_store_is_left() {
        let sticky = preset("sticky-in-memory");
        let Offer::Edit(commands, _) = keep_sessions(&sticky, SessionKind::Server) else {
            panic!("sessions can be kept in a store");
        };
        let with_store = after(&sticky, &commands);
        assert_eq!(store_left_unused(&sticky, &with_store), None);
        let Offer::Edit(commands, _) = keep_sessions(&with_store, SessionKind::Sticky) else {
            panic!("sessions can be sticky again");
        };
        let back = after(&with_store, &commands);
        assert_eq!(
            store_left_unused(&with_store, &back).as_deref(),
            Some("store")
        );
    }
}
