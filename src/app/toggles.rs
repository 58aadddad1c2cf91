//! The two toggles, where state lives and how sessions are kept, as edits that always lead to a running topology.
//!
//! A way back restores what was written: see [`Remembered`]. What an edit changes beside the choice itself, its name says.

use std::collections::BTreeMap;

use super::events;
use super::format;
use super::spoken;
use crate::model::check::{Problem, Severity, check};
use crate::model::naming::free_name;
use crate::model::node::{Policy, RedisLike};
use crate::model::settings::to_ron;
use crate::model::state::{External, InMemory, Jwt, LocalDatabase, LocalDisk};
use crate::model::state::{ServerSide, SessionsInMemory};
use crate::model::{Command, Node, Renaming, Sessions, State, Topology};

/// Where a service's state may live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    /// It cannot be; why, and what can be done about it.
    Not {
        /// Why, in a sentence.
        reason: String,
        /// What can be done; none if there is nothing.
        way: Option<Way>,
    },
}

/// What can be done where a choice cannot be: the nearest one that can, or the same without what stands against it.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// What it is, in a few words for a button.
    pub word: String,
    /// The edit.
    pub commands: Vec<Command>,
    /// The edit's name.
    pub label: String,
}

/// What was written for choices that are not in use now: per service and placement, and per session strategy. A document
/// has one, so that a toggle comes back whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Remembered {
    states: BTreeMap<(String, Placement), (State, Policies)>,
    sessions: BTreeMap<SessionKind, (Sessions, Policies)>,
    /// The policies that gave way to sticky cookies.
    loose: Policies,
}

/// Balancers' policies by name.
type Policies = BTreeMap<String, Policy>;

fn policies(topology: &Topology) -> Policies {
    let balancers = topology.nodes.iter().filter_map(|(name, node)| match node {
        Node::LoadBalancer(lb) => Some((name.clone(), lb.policy)),
        _ => None,
    });
    balancers.collect()
}

impl Remembered {
    /// Nodes have other names from now on.
    fn rename(&mut self, names: &Renaming) {
        if names.is_empty() {
            return;
        }
        let states = std::mem::take(&mut self.states);
        for ((mut name, placement), (mut state, mut policies)) in states {
            names.name(&mut name);
            names.state(&mut state);
            names.keys(&mut policies);
            self.states.insert((name, placement), (state, policies));
        }
        for (sessions, policies) in self.sessions.values_mut() {
            names.sessions(sessions);
            names.keys(policies);
        }
        names.keys(&mut self.loose);
    }

    /// Takes in a step of the document.
    pub fn note(&mut self, before: &Topology, after: &Topology) {
        self.rename(&Renaming::between(before, after));
        let state = |topology: &Topology, name: &str| match topology.nodes.get(name) {
            Some(Node::Service(service)) => Some(service.state.clone()),
            _ => None,
        };
        let mut toggled = false;
        for name in before.nodes.keys() {
            if let (Some(old), Some(new)) = (state(before, name), state(after, name))
                && Placement::of(&old) != Placement::of(&new)
            {
                let key = (name.clone(), Placement::of(&old));
                self.states.insert(key, (old, policies(before)));
                toggled = true;
            }
        }
        let kind = SessionKind::of(&before.sessions);
        if kind != SessionKind::of(&after.sessions) {
            let kept = (before.sessions.clone(), policies(before));
            self.sessions.insert(kind, kept);
            toggled = true;
        }
        for (name, new) in policies(after) {
            if new != Policy::StickyCookie {
                self.loose.remove(&name);
            } else if toggled
                && let Some(Node::LoadBalancer(lb)) = before.nodes.get(&name)
                && lb.policy != Policy::StickyCookie
            {
                self.loose.insert(name, lb.policy);
            }
        }
    }
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
pub fn place(
    topology: &Topology,
    remembered: &Remembered,
    service: &str,
    wanted: Placement,
) -> Offer {
    let Some(Node::Service(node)) = topology.nodes.get(service) else {
        return Offer::Not {
            reason: format!("{service} is no service"),
            way: None,
        };
    };
    if Placement::of(&node.state) == wanted {
        return Offer::Current;
    }
    let edit = |wanted| placement_edit(topology, remembered, service, wanted);
    judge(topology, edit(wanted), || {
        (Placement::of(&node.state) != Placement::External).then(|| edit(Placement::External))
    })
}

/// The same for several services, in one step.
pub fn place_all(
    topology: &Topology,
    remembered: &Remembered,
    services: &[String],
    wanted: Placement,
) -> Offer {
    if let [service] = services {
        return place(topology, remembered, service, wanted);
    }
    let mut changed = topology.clone();
    let mut commands = Vec::new();
    for service in services {
        match place(&changed, remembered, service, wanted) {
            Offer::Current => {}
            Offer::Edit(more, _) => {
                for command in &more {
                    let _ = changed.apply(command); // it could be carried out a moment ago
                }
                commands.extend(more);
            }
            Offer::Not { reason, .. } => {
                let reason = format!("{service}: {reason}");
                return Offer::Not { reason, way: None };
            }
        }
    }
    if commands.is_empty() {
        return Offer::Current;
    }
    let keep = match wanted {
        Placement::Stateless => "keep no state",
        Placement::Memory => "keep state in memory",
        Placement::Disk => "keep state on their disks",
        Placement::LocalDatabase => "keep state in local databases",
        Placement::External => "keep state in a store",
    };
    Offer::Edit(commands, format!("{} services {keep}", services.len()))
}

/// What it would take to keep sessions otherwise.
pub fn keep_sessions(topology: &Topology, remembered: &Remembered, wanted: SessionKind) -> Offer {
    let current = SessionKind::of(&topology.sessions);
    if current == wanted {
        return Offer::Current;
    }
    let edit = |wanted| sessions_edit(topology, remembered, wanted);
    judge(topology, edit(wanted), || {
        (current != SessionKind::Server).then(|| edit(SessionKind::Server))
    })
}

/// Offers the edit if it leads to a topology that can be run, or if nothing is worse than before.
fn judge(
    topology: &Topology,
    (commands, label): (Vec<Command>, String),
    nearest: impl FnOnce() -> Option<(Vec<Command>, String)>,
) -> Offer {
    let broken = match broken_by(topology, &commands) {
        Ok(broken) if broken.is_empty() => return Offer::Edit(commands, label),
        Ok(broken) => broken,
        Err(reason) => return Offer::Not { reason, way: None },
    };
    let runs = |commands: &[Command]| broken_by(topology, commands).is_ok_and(|b| b.is_empty());
    if let Some(against) = scheduled_against(topology, &broken) {
        let reason = format!("the scenario has {against}, which could not happen then");
        let mut all = without_events(topology, &commands);
        all.extend(commands);
        let way = runs(&all).then(|| Way {
            word: "Drop it with the change".to_owned(),
            commands: all,
            label: format!("{label}; dropped {against}"),
        });
        return Offer::Not { reason, way };
    }
    let way = nearest().filter(|(commands, _)| runs(commands));
    Offer::Not {
        reason: spoken::sentence(&broken[0].message, |name| topology.nodes.contains_key(name)),
        way: way.map(|(commands, label)| Way {
            word: format!("Instead: {}", short(&label)),
            commands,
            label,
        }),
    }
}

/// A label that fits a button of the inspector.
fn short(label: &str) -> String {
    if label.chars().count() <= 24 {
        return label.to_owned();
    }
    label.chars().take(23).chain(['…']).collect()
}

/// What keeps the topology from being run after the commands, and did not before; an error if they cannot be carried out.
fn broken_by(topology: &Topology, commands: &[Command]) -> Result<Vec<Problem>, String> {
    let mut changed = topology.clone();
    for command in commands {
        changed.apply(command).map_err(|error| error.to_string())?;
    }
    let before = errors(topology);
    let mut broken = errors(&changed);
    broken.retain(|problem| !before.contains(problem));
    Ok(broken)
}

/// The number in a path such as `scenario[3]`.
fn index_in(problem: &Problem, list: &str) -> Option<usize> {
    let rest = problem.path.strip_prefix(list)?.strip_prefix('[')?;
    rest.split_once(']')?.0.parse().ok()
}

/// The events of the scenario that are in the way, in words, if nothing else is.
fn scheduled_against(topology: &Topology, broken: &[Problem]) -> Option<String> {
    let mut events = Vec::new();
    for problem in broken {
        match index_in(problem, "scenario") {
            Some(at) => events.push(topology.scenario.get(at)?),
            None if index_in(problem, "expects").is_some() => {}
            None => return None,
        }
    }
    let (first, rest) = events.split_first()?;
    let event = events::scheduled(first);
    let mut words = format!("\"{}\" at {}", event.label, format::instant(event.at));
    if !rest.is_empty() {
        words += &format!(
            " and {}",
            format::counted(rest.len() as u64, "other event", "other events")
        );
    }
    Some(words)
}

/// The commands that take everything out of the scenario, and of what a run must show, that could not be after the others.
fn without_events(topology: &Topology, commands: &[Command]) -> Vec<Command> {
    let mut changed = topology.clone();
    let before = errors(topology);
    let mut dropped = Vec::new();
    // What a run must show may count on an event that goes: so a second look.
    for list in ["scenario", "expects"] {
        let mut tried = changed.clone();
        for command in commands {
            let _ = tried.apply(command); // it could be carried out a moment ago
        }
        let mut gone: Vec<usize> = errors(&tried)
            .iter()
            .filter(|problem| !before.contains(problem))
            .filter_map(|problem| index_in(problem, list))
            .collect();
        gone.sort_unstable();
        gone.dedup();
        if gone.is_empty() {
            continue;
        }
        for at in gone.into_iter().rev() {
            match list {
                "scenario" if at < changed.scenario.len() => drop(changed.scenario.remove(at)),
                "expects" if at < changed.expects.len() => drop(changed.expects.remove(at)),
                _ => {}
            }
        }
        let rest = match list {
            "scenario" => to_ron(&changed.scenario),
            _ => to_ron(&changed.expects),
        };
        dropped.push(Command::Set(list.to_owned(), rest));
    }
    dropped
}

fn placement_edit(
    topology: &Topology,
    remembered: &Remembered,
    service: &str,
    wanted: Placement,
) -> (Vec<Command>, String) {
    let mut commands = Vec::new();
    let kept = remembered.states.get(&(service.to_owned(), wanted));
    let fresh = match wanted {
        Placement::Stateless => State::Stateless,
        Placement::Memory => State::InMemory(InMemory::default()),
        Placement::Disk => State::LocalDisk(LocalDisk::default()),
        Placement::LocalDatabase => State::LocalDatabase(LocalDatabase::default()),
        Placement::External => State::External(External::default()),
    };
    let mut state = kept.map_or(fresh, |(state, _)| state.clone());
    let label = match (wanted, &mut state) {
        (Placement::Stateless, _) => format!("{service} keeps no state"),
        (Placement::Memory, _) => format!("{service} keeps state in memory"),
        (Placement::Disk, _) => format!("{service} keeps state on its disk"),
        (Placement::LocalDatabase, _) => format!("{service} keeps state in a local database"),
        (Placement::External, State::External(external)) => {
            let added = find_store(topology, &mut external.store, Node::is_store, &mut commands);
            if added {
                format!("Added {}, where {service} keeps state", external.store)
            } else {
                format!("{service} keeps state in {}", external.store)
            }
        }
        (Placement::External, _) => String::new(),
    };
    commands.push(Command::Set(
        format!("nodes.{service}.state"),
        to_ron(&state),
    ));
    with_routing(
        topology,
        remembered,
        kept.map(|kept| &kept.1),
        commands,
        label,
    )
}

fn sessions_edit(
    topology: &Topology,
    remembered: &Remembered,
    wanted: SessionKind,
) -> (Vec<Command>, String) {
    let mut commands = Vec::new();
    let kept = remembered.sessions.get(&wanted);
    let fresh = match wanted {
        SessionKind::None => Sessions::None,
        SessionKind::Jwt => Sessions::Jwt(Jwt::default()),
        SessionKind::Server => Sessions::ServerSide(ServerSide::default()),
        SessionKind::Sticky => Sessions::InMemory(SessionsInMemory::default()),
    };
    let mut sessions = kept.map_or(fresh, |(sessions, _)| sessions.clone());
    let label = match &mut sessions {
        Sessions::None => "No sessions".to_owned(),
        Sessions::Jwt(_) => "Sessions kept in tokens".to_owned(),
        Sessions::ServerSide(server) => {
            // An object store takes a fifth of a second for each request: never chosen unasked.
            let quick = |node: &Node| matches!(node, Node::RedisLike(_) | Node::SqlDatabase(_));
            if find_store(topology, &mut server.store, quick, &mut commands) {
                format!("Added {}, where sessions are kept", server.store)
            } else {
                format!("Sessions kept in {}", server.store)
            }
        }
        Sessions::InMemory(_) => "Sessions kept in memory".to_owned(),
    };
    commands.push(Command::Set("sessions".into(), to_ron(&sessions)));
    with_routing(
        topology,
        remembered,
        kept.map(|kept| &kept.1),
        commands,
        label,
    )
}

/// Adds what the change means for the balancers, and says it: users stick to an instance where only it has their session;
/// and where nothing needs that any more, the policy is again what it was before.
fn with_routing(
    topology: &Topology,
    remembered: &Remembered,
    before: Option<&Policies>,
    mut commands: Vec<Command>,
    mut label: String,
) -> (Vec<Command>, String) {
    let mut changed = topology.clone();
    for command in &commands {
        let _ = changed.apply(command); // what cannot be carried out is told by whoever judges the edit
    }
    let sticky_sessions = |t: &Topology| SessionKind::of(&t.sessions) == SessionKind::Sticky;
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, policy) in first_balancers(&changed) {
        let was_sticky = before.and_then(|before| before.get(&name)) == Some(&Policy::StickyCookie);
        let loose = remembered.loose.get(&name).copied();
        let wanted = if sticky_sessions(&changed) || was_sticky {
            Policy::StickyCookie
        } else if policy != Policy::StickyCookie {
            policy
        } else if sticky_sessions(topology) && loose.is_some() {
            loose.unwrap_or(policy)
        } else if needs_sticky(topology) && !needs_sticky(&changed) {
            loose.unwrap_or_else(|| fallback(&changed, &name))
        } else {
            policy
        };
        let mut stays = sticky_sessions(topology) && !sticky_sessions(&changed);
        if wanted != policy {
            let path = format!("nodes.{name}.policy");
            commands.push(Command::Set(path, to_ron(&wanted)));
            stays = false;
        } else {
            stays &= policy == Policy::StickyCookie;
        }
        if wanted != policy || stays {
            let word = if stays { "stays " } else { "" };
            let words = format!("{word}{}", super::canvas::words::policy(wanted));
            said.entry(words).or_default().push(name);
        }
    }
    let only = first_balancers(&changed).len() == 1;
    for (words, names) in said {
        if only {
            label += &format!("; balancer: {words}");
        } else {
            label += &format!("; {}: {words}", names.join(", "));
        }
    }
    (commands, label)
}

/// Whether anything only works, or only works well, where a user's requests go to the same instance.
fn needs_sticky(topology: &Topology) -> bool {
    let local = |node: &Node| matches!(node, Node::Service(s) if s.state.is_local());
    SessionKind::of(&topology.sessions) == SessionKind::Sticky || topology.nodes.values().any(local)
}

/// Where a balancer sends users without a cookie.
fn fallback(topology: &Topology, balancer: &str) -> Policy {
    match topology.nodes.get(balancer) {
        Some(Node::LoadBalancer(lb)) if lb.fallback != Policy::StickyCookie => lb.fallback,
        _ => Policy::RoundRobin,
    }
}

/// Sees to it that a setting names a store that is there and fits; true if one is added for it.
fn find_store(
    topology: &Topology,
    store: &mut String,
    fits: impl Fn(&Node) -> bool,
    commands: &mut Vec<Command>,
) -> bool {
    if topology.nodes.get(store.as_str()).is_some_and(&fits) {
        return false;
    }
    let (name, added) = store_for(topology, fits, commands);
    *store = name;
    added
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

/// The balancers that clients call, with their policies.
fn first_balancers(topology: &Topology) -> Vec<(String, Policy)> {
    let called_by_clients = |name: &String| {
        topology.links.0.iter().any(|link| {
            link.to == *name && matches!(topology.nodes.get(&link.from), Some(Node::Clients(_)))
        })
    };
    let balancers = topology.nodes.iter().filter_map(|(name, node)| match node {
        Node::LoadBalancer(lb) if called_by_clients(name) => Some((name.clone(), lb.policy)),
        _ => None,
    });
    balancers.collect()
}

/// A store that something used before and nothing uses or calls now.
pub fn store_left_unused(before: &Topology, after: &Topology) -> Option<String> {
    after
        .nodes
        .iter()
        .find(|(name, node)| node.is_store() && is_used(before, name) && !is_used(after, name))
        .map(|(name, _)| name.clone())
}

/// Whether a store is there that nothing uses or calls.
pub fn is_unused(topology: &Topology, store: &str) -> bool {
    topology.nodes.contains_key(store) && !is_used(topology, store)
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
    errors(topology)
        .into_iter()
        .next()
        .map(|problem| problem.message)
}

/// The same, and what is probably not meant though it can be run.
pub fn checked(topology: &Topology) -> (Option<String>, Vec<Problem>) {
    let (errors, warnings): (Vec<Problem>, Vec<Problem>) = check(topology)
        .into_iter()
        .partition(|problem| problem.severity == Severity::Error);
    let first = errors.first();
    (
        first.map(|error| spoken::problem(error, topology)),
        warnings,
    )
}

fn errors(topology: &Topology) -> Vec<Problem> {
    let mut problems = check(topology);
    problems.retain(|problem| problem.severity == Severity::Error);
    problems
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
                all.extend(
                    Placement::ALL
                        .map(|wanted| place(topology, &Remembered::default(), &service, wanted)),
                );
            }
            all.extend(
                SessionKind::ALL
                    .map(|wanted| keep_sessions(topology, &Remembered::default(), wanted)),
            );
            let edits = all.into_iter().filter_map(|offer| match offer {
                Offer::Current => None,
                Offer::Edit(commands, label) => Some((commands, label)),
                Offer::Not { reason, way } => {
                    assert!(!reason.is_empty());
                    way.map(|way| (way.commands, way.label))
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
        let Offer::Edit(commands, label) =
            keep_sessions(&sticky, &Remembered::default(), SessionKind::Server)
        else {
            panic!("sessions can be kept in a store");
        };
        assert!(label.contains("Added store"), "{label}");
        let with_store = after(&sticky, &commands);
        assert!(matches!(with_store.nodes["store"], Node::RedisLike(_)));
        let Offer::Edit(commands, label) = place(
            &with_store,
            &Remembered::default(),
            "api",
            Placement::External,
        ) else {
            panic!("state can be kept in a store");
        };
        assert!(matches!(&commands[0], Command::Set(path, _) if path == "nodes.api.state"));
        // Nothing is left then for which users must stick to an instance.
        assert_eq!(label, "api keeps state in store; balancer: round robin");
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
        let Offer::Not { reason, way } =
            place(&sticky, &Remembered::default(), "api", Placement::Stateless)
        else {
            panic!("nothing else keeps the writes");
        };
        assert!(!reason.is_empty());
        let changed = after(&sticky, &way.unwrap().commands);
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
        let Offer::Edit(commands, _) =
            keep_sessions(&topology, &Remembered::default(), SessionKind::Sticky)
        else {
            panic!("sessions can be sticky");
        };
        let changed = after(&topology, &commands);
        assert_eq!(changed.get_path("nodes.lb.policy").unwrap(), "StickyCookie");
    }

    #[test]
    fn going_back_says_which_store_is_left() {
        let sticky = preset("sticky-in-memory");
        let Offer::Edit(commands, _) =
            keep_sessions(&sticky, &Remembered::default(), SessionKind::Server)
        else {
            panic!("sessions can be kept in a store");
        };
        let with_store = after(&sticky, &commands);
        assert_eq!(store_left_unused(&sticky, &with_store), None);
        let Offer::Edit(commands, _) =
            keep_sessions(&with_store, &Remembered::default(), SessionKind::Sticky)
        else {
            panic!("sessions can be sticky again");
        };
        let back = after(&with_store, &commands);
        assert_eq!(
            store_left_unused(&with_store, &back).as_deref(),
            Some("store")
        );
    }
}
