//! Where state lives and how sessions are kept: what another choice does to a topology.
//!
//! A choice is a change that leads to a topology that can be run, or it is refused, with the nearest change that can be
//! made. A way back restores what was written: see [`Remembered`].

mod edits;
mod remembered;
mod routing;
mod scheduled;
mod stores;

pub use self::remembered::Remembered;
pub use self::routing::Routing;
pub use self::stores::{UsedStore, is_unused, store_left_unused};

use self::edits::{placement_change, sessions_change};
use super::check::{Problem, errors};
use super::node::Node;
use super::scenario::{Command, Timed};
use super::settings::SettingError;
use super::state::{Sessions, State};
use super::topology::Topology;

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

/// What is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Where the state of these services lives.
    Placement(Vec<String>, Placement),
    /// How sessions are kept.
    Sessions(SessionKind),
}

/// What a choice would do.
#[derive(Clone, Debug, PartialEq)]
pub enum Offer {
    /// It is so already.
    Current,
    /// A change that leads to a topology that can be run, or to one that is no worse than before.
    Change(Change),
    /// It cannot be.
    Not(Refusal),
}

/// A choice as commands, and what they do besides.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The choice.
    pub choice: Choice,
    /// What carries it out, in one step.
    pub commands: Vec<Command>,
    /// The store where state or sessions are kept then.
    pub store: Option<UsedStore>,
    /// What it means for the balancers that clients call.
    pub routing: Vec<Routing>,
    /// How many balancers clients call.
    pub balancers: usize,
    /// Events of the scenario that could not happen any more, and go with it.
    pub dropped: Vec<Timed>,
}

/// Why a choice cannot be, and what can be done about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// The choice; of several services, that for the one that stands against it.
    pub choice: Choice,
    /// Why.
    pub why: Why,
    /// The nearest choice that can be, or the same one without what stands against it; none if there is neither.
    pub way: Option<Change>,
}

/// Why a choice cannot be.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    /// There is no service of that name.
    NoService(String),
    /// What it takes cannot be carried out.
    Impossible(SettingError),
    /// It could not be run then; of several reasons, the first.
    Broken(Problem),
    /// The scenario has events that could not happen then; there is one at least.
    Scheduled(Vec<Timed>),
}

/// What it would take to keep the state of these services elsewhere, in one step.
pub fn place(
    topology: &Topology,
    remembered: &Remembered,
    services: &[String],
    wanted: Placement,
) -> Offer {
    if let [service] = services {
        return place_one(topology, remembered, service, wanted);
    }
    let mut changed = topology.clone();
    let mut whole = Change {
        balancers: routing::first_balancers(topology).len(),
        ..Change::new(Choice::Placement(services.to_vec(), wanted))
    };
    for service in services {
        match place_one(&changed, remembered, service, wanted) {
            Offer::Current => {}
            Offer::Change(one) => {
                for command in &one.commands {
                    let _ = changed.apply(command); // it could be carried out a moment ago
                }
                whole.commands.extend(one.commands);
                whole.routing.extend(one.routing);
                whole.store = whole.store.or(one.store);
            }
            Offer::Not(refusal) => {
                return Offer::Not(Refusal {
                    way: None,
                    ..refusal
                });
            }
        }
    }
    if whole.commands.is_empty() {
        return Offer::Current;
    }
    Offer::Change(whole)
}

fn place_one(
    topology: &Topology,
    remembered: &Remembered,
    service: &str,
    wanted: Placement,
) -> Offer {
    let Some(Node::Service(node)) = topology.nodes.get(service) else {
        return Offer::Not(Refusal {
            choice: Choice::Placement(vec![service.to_owned()], wanted),
            why: Why::NoService(service.to_owned()),
            way: None,
        });
    };
    let current = Placement::of(&node.state);
    if current == wanted {
        return Offer::Current;
    }
    let change = |wanted| placement_change(topology, remembered, service, wanted);
    judge(topology, change(wanted), || {
        (current != Placement::External).then(|| change(Placement::External))
    })
}

/// What it would take to keep sessions otherwise.
pub fn keep_sessions(topology: &Topology, remembered: &Remembered, wanted: SessionKind) -> Offer {
    let current = SessionKind::of(&topology.sessions);
    if current == wanted {
        return Offer::Current;
    }
    let change = |wanted| sessions_change(topology, remembered, wanted);
    judge(topology, change(wanted), || {
        (current != SessionKind::Server).then(|| change(SessionKind::Server))
    })
}

impl Change {
    fn new(choice: Choice) -> Self {
        Self {
            choice,
            commands: Vec::new(),
            store: None,
            routing: Vec::new(),
            balancers: 0,
            dropped: Vec::new(),
        }
    }

    /// The topology after it.
    ///
    /// # Errors
    /// A command cannot be carried out on this topology.
    pub fn applied_to(&self, topology: &Topology) -> Result<Topology, SettingError> {
        let mut changed = topology.clone();
        for command in &self.commands {
            changed.apply(command)?;
        }
        Ok(changed)
    }
}

/// Offers the change if it leads to a topology that can be run, or if nothing is worse than before.
fn judge(topology: &Topology, change: Change, nearest: impl FnOnce() -> Option<Change>) -> Offer {
    let broken = match broken_by(topology, &change) {
        Ok(broken) => broken,
        Err(error) => {
            return Offer::Not(Refusal {
                choice: change.choice,
                why: Why::Impossible(error),
                way: None,
            });
        }
    };
    let Some(first) = broken.first() else {
        return Offer::Change(change);
    };
    let runs = |change: &Change| broken_by(topology, change).is_ok_and(|broken| broken.is_empty());
    let choice = change.choice.clone();
    let (why, way) = if let Some(events) = scheduled::against(topology, &broken) {
        let way = scheduled::without(topology, change, events.clone());
        (Why::Scheduled(events), Some(way))
    } else {
        (Why::Broken(first.clone()), nearest())
    };
    let way = way.filter(runs);
    Offer::Not(Refusal { choice, why, way })
}

/// What keeps the topology from being run after the change, and did not before.
fn broken_by(topology: &Topology, change: &Change) -> Result<Vec<Problem>, SettingError> {
    let before = errors(topology);
    let mut broken = errors(&change.applied_to(topology)?);
    broken.retain(|problem| !before.contains(problem));
    Ok(broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::node::Policy;
    use crate::model::{file, presets};

    fn preset(name: &str) -> Topology {
        file::read(presets::find(name).unwrap().text, name).unwrap()
    }

    fn services(topology: &Topology) -> Vec<String> {
        let is_service = |(_, node): &(&String, &Node)| matches!(node, Node::Service(_));
        let names = topology.nodes.iter().filter(is_service);
        names.map(|(name, _)| name.clone()).collect()
    }

    /// What a choice changes, where nothing was written for it before.
    fn placed(topology: &Topology, service: &str, wanted: Placement) -> Change {
        match place(topology, &Remembered::default(), &[service.into()], wanted) {
            Offer::Change(change) => change,
            other => panic!("state can be kept so: {other:?}"),
        }
    }

    fn kept(topology: &Topology, wanted: SessionKind) -> Change {
        match keep_sessions(topology, &Remembered::default(), wanted) {
            Offer::Change(change) => change,
            other => panic!("sessions can be kept so: {other:?}"),
        }
    }

    /// From every preset, every choice, and every choice after that: whatever is offered can be run.
    #[test]
    fn whatever_is_offered_leads_to_a_topology_that_runs() {
        fn offers(topology: &Topology) -> Vec<Topology> {
            let fresh = Remembered::default();
            let mut all = Vec::new();
            for service in services(topology) {
                let service = [service];
                all.extend(Placement::ALL.map(|wanted| place(topology, &fresh, &service, wanted)));
            }
            all.extend(SessionKind::ALL.map(|wanted| keep_sessions(topology, &fresh, wanted)));
            let changes = all.into_iter().filter_map(|offer| match offer {
                Offer::Current => None,
                Offer::Change(change) => Some(change),
                Offer::Not(refusal) => refusal.way,
            });
            changes
                .map(|change| {
                    let changed = change.applied_to(topology).unwrap();
                    assert_eq!(errors(&changed), [], "{change:?}");
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
        let change = kept(&sticky, SessionKind::Server);
        let store = |added| {
            Some(UsedStore {
                name: "store".into(),
                added,
            })
        };
        assert_eq!(change.store, store(true));
        let with_store = change.applied_to(&sticky).unwrap();
        assert!(matches!(with_store.nodes["store"], Node::RedisLike(_)));
        let change = placed(&with_store, "api", Placement::External);
        assert!(matches!(&change.commands[0], Command::Set(path, _) if path == "nodes.api.state"));
        assert_eq!(change.store, store(false));
        // Nothing is left then for which users must stick to an instance.
        let routing = Routing {
            balancer: "lb".into(),
            policy: Policy::RoundRobin,
            stays: false,
        };
        assert_eq!((change.routing, change.balancers), (vec![routing], 1));
    }

    #[test]
    fn stateless_where_writes_have_no_other_home_is_refused_with_the_nearest() {
        let sticky = preset("sticky-in-memory");
        let wanted = Placement::Stateless;
        let offer = place(&sticky, &Remembered::default(), &["api".into()], wanted);
        let Offer::Not(refusal) = offer else {
            panic!("nothing else keeps the writes");
        };
        assert!(matches!(refusal.why, Why::Broken(_)), "{refusal:?}");
        let changed = refusal.way.unwrap().applied_to(&sticky).unwrap();
        let Node::Service(api) = &changed.nodes["api"] else {
            panic!()
        };
        assert_eq!(Placement::of(&api.state), Placement::External);
    }

    #[test]
    fn events_that_could_not_happen_then_go_with_the_change() {
        let mut shop = preset("server-side-sessions");
        let store = match &shop.sessions {
            Sessions::ServerSide(server) => server.store.clone(),
            _ => panic!(),
        };
        shop.expects.clear();
        shop.scenario = vec![Timed::At(
            crate::units::Duration(1_000_000_000),
            Command::ReplaceSigningKey,
        )];
        shop.set_path("sessions", "Jwt()").unwrap();
        let offer = keep_sessions(&shop, &Remembered::default(), SessionKind::Server);
        let Offer::Not(refusal) = offer else {
            panic!("there is no key then: {offer:?}");
        };
        assert_eq!(refusal.why, Why::Scheduled(shop.scenario.clone()));
        let way = refusal.way.unwrap();
        assert_eq!(way.dropped, shop.scenario);
        let changed = way.applied_to(&shop).unwrap();
        assert!(changed.scenario.is_empty());
        assert!(matches!(&changed.sessions, Sessions::ServerSide(s) if s.store == store));
    }

    #[test]
    fn several_services_move_in_one_step_or_not_at_all() {
        let mut shop = preset("sticky-in-memory");
        shop.set_path("nodes.more", "Service(state: InMemory())")
            .unwrap();
        shop.set_path("links.lb->more", "\"lb -> more\"").unwrap();
        let both = ["api".to_owned(), "more".to_owned()];
        let fresh = Remembered::default();
        let Offer::Change(change) = place(&shop, &fresh, &both, Placement::External) else {
            panic!("both can use a store");
        };
        let added = (change.commands.iter()).filter(|c| matches!(c, Command::Add(..)));
        assert_eq!(added.count(), 1, "they share it");
        let changed = change.applied_to(&shop).unwrap();
        let again = place(&changed, &fresh, &both, Placement::External);
        assert_eq!(again, Offer::Current);
        let with_ghost = ["api".to_owned(), "ghost".to_owned()];
        let offer = place(&shop, &fresh, &with_ghost, Placement::Disk);
        let Offer::Not(refusal) = offer else {
            panic!("there is no ghost");
        };
        assert_eq!(refusal.why, Why::NoService("ghost".into()));
    }

    #[test]
    fn a_way_back_restores_what_was_written() {
        let mut before = preset("sticky-in-memory");
        before
            .set_path("nodes.api.state", "InMemory(snapshot_every: Some(\"7s\"))")
            .unwrap();
        let after = placed(&before, "api", Placement::External)
            .applied_to(&before)
            .unwrap();
        let mut remembered = Remembered::default();
        remembered.note(&before, &after);
        let api = ["api".to_owned()];
        let Offer::Change(back) = place(&after, &remembered, &api, Placement::Memory) else {
            panic!("it was so before");
        };
        let again = back.applied_to(&after).unwrap();
        assert_eq!(again.nodes["api"], before.nodes["api"]);
        assert_eq!(again.nodes["lb"], before.nodes["lb"]);
    }

    #[test]
    fn sticky_sessions_get_sticky_routing() {
        let mut topology = preset("sticky-in-memory");
        topology.set_path("nodes.lb.policy", "RoundRobin").unwrap();
        topology.set_path("sessions", "Jwt()").unwrap();
        let change = kept(&topology, SessionKind::Sticky);
        let changed = change.applied_to(&topology).unwrap();
        assert_eq!(changed.get_path("nodes.lb.policy").unwrap(), "StickyCookie");
    }

    #[test]
    fn going_back_says_which_store_is_left() {
        let sticky = preset("sticky-in-memory");
        let change = kept(&sticky, SessionKind::Server);
        let with_store = change.applied_to(&sticky).unwrap();
        assert_eq!(store_left_unused(&sticky, &with_store), None);
        let change = kept(&with_store, SessionKind::Sticky);
        let back = change.applied_to(&with_store).unwrap();
        let left = store_left_unused(&with_store, &back);
        assert_eq!(left.as_deref(), Some("store"));
    }
}
