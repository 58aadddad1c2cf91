//! Events of the scenario that a choice leaves no place for.

use super::Change;
use crate::model::check::{Problem, errors};
use crate::model::settings::to_ron;
use crate::model::{Command, Timed, Topology};

/// The number in a path such as `scenario[3]`.
fn index_in(problem: &Problem, list: &str) -> Option<usize> {
    let rest = problem.path.strip_prefix(list)?.strip_prefix('[')?;
    rest.split_once(']')?.0.parse().ok()
}

/// The events of the scenario that are in the way, if there are any and nothing else is.
pub(super) fn against(topology: &Topology, broken: &[Problem]) -> Option<Vec<Timed>> {
    let mut events = Vec::new();
    for problem in broken {
        match index_in(problem, "scenario") {
            Some(at) => events.push(at),
            None if index_in(problem, "expects").is_some() => {}
            None => return None,
        }
    }
    events.dedup(); // more may be wrong with one
    let timed = events.iter().map(|&at| topology.scenario.get(at).cloned());
    let timed: Option<Vec<Timed>> = timed.collect();
    timed.filter(|timed| !timed.is_empty())
}

/// The change with these events dropped before it, and whatever a run must show that counts on them.
pub(super) fn without(topology: &Topology, change: Change, events: Vec<Timed>) -> Change {
    let mut commands = without_events(topology, &change.commands);
    commands.extend(change.commands);
    Change {
        commands,
        dropped: events,
        ..change
    }
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
