//! What carries a choice out: the setting itself, a store where it needs one, and what follows for the balancers.

use super::remembered::Remembered;
use super::routing::add_routing;
use super::stores::find_store;
use super::{Change, Choice, Placement, SessionKind};
use crate::model::node::Node;
use crate::model::settings::to_ron;
use crate::model::state::{External, InMemory, Jwt, LocalDatabase, LocalDisk};
use crate::model::state::{ServerSide, SessionsInMemory};
use crate::model::{Command, Sessions, State, Topology};

pub(super) fn placement_change(
    topology: &Topology,
    remembered: &Remembered,
    service: &str,
    wanted: Placement,
) -> Change {
    let mut change = Change::new(Choice::Placement(vec![service.to_owned()], wanted));
    let kept = remembered.states.get(&(service.to_owned(), wanted));
    let fresh = match wanted {
        Placement::Stateless => State::Stateless,
        Placement::Memory => State::InMemory(InMemory::default()),
        Placement::Disk => State::LocalDisk(LocalDisk::default()),
        Placement::LocalDatabase => State::LocalDatabase(LocalDatabase::default()),
        Placement::External => State::External(External::default()),
    };
    let mut state = kept.map_or(fresh, |(state, _)| state.clone());
    if let State::External(external) = &mut state {
        let (store, commands) = (&mut external.store, &mut change.commands);
        change.store = Some(find_store(topology, store, Node::is_store, commands));
    }
    let path = format!("nodes.{service}.state");
    change.commands.push(Command::Set(path, to_ron(&state)));
    add_routing(topology, remembered, kept.map(|kept| &kept.1), &mut change);
    change
}

pub(super) fn sessions_change(
    topology: &Topology,
    remembered: &Remembered,
    wanted: SessionKind,
) -> Change {
    let mut change = Change::new(Choice::Sessions(wanted));
    let kept = remembered.sessions.get(&wanted);
    let fresh = match wanted {
        SessionKind::None => Sessions::None,
        SessionKind::Jwt => Sessions::Jwt(Jwt::default()),
        SessionKind::Server => Sessions::ServerSide(ServerSide::default()),
        SessionKind::Sticky => Sessions::InMemory(SessionsInMemory::default()),
    };
    let mut sessions = kept.map_or(fresh, |(sessions, _)| sessions.clone());
    if let Some(store) = sessions.store_mut() {
        // An object store takes a fifth of a second for each request: never chosen unasked.
        let quick = |node: &Node| matches!(node, Node::RedisLike(_) | Node::SqlDatabase(_));
        change.store = Some(find_store(topology, store, quick, &mut change.commands));
    }
    let set = Command::Set("sessions".into(), to_ron(&sessions));
    change.commands.push(set);
    add_routing(topology, remembered, kept.map(|kept| &kept.1), &mut change);
    change
}
