//! Whether the scenario can happen, and what a file expects can be measured.

use std::collections::BTreeMap;

use super::{Check, MAX_INSTANCES, Severity, kind};
use crate::model::expect::Expectation;
use crate::model::figures::Ends;
use crate::model::node::{Node, Service};
use crate::model::scenario::{Command, Timed};
use crate::model::settings::{Setting, Shape, unknown_name};
use crate::model::state::Sessions;
use crate::model::topology::Topology;

impl Check<'_> {
    pub(super) fn scenario(&mut self) {
        let topology = self.topology;
        // Tried in the order of time on a copy, so that a node which an event adds is known to later ones.
        let mut order: Vec<usize> = (0..topology.scenario.len()).collect();
        order.sort_by_key(|&index| topology.scenario[index].earliest());
        let mut now = topology.clone();
        // The highest number that an instance may have had so far, where it is not the number of instances there are.
        let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
        let mut edited: Option<usize> = None;
        for index in order {
            let timed = &topology.scenario[index];
            let path = format!("scenario[{index}]");
            // What several edits at the same time make of it is judged after the last of them.
            if let Some(last) = edited
                && topology.scenario[last].earliest() < timed.earliest()
            {
                edited = None;
                self.after_edit(last, &now);
            }
            if let Timed::Between(from, to, _) = timed
                && to < from
            {
                self.error(
                    &path,
                    format!("it ends ({to}) before it begins ({from}): swap the two times"),
                );
            }
            if timed.earliest() > topology.duration {
                self.warning(
                    &path,
                    format!(
                        "it comes after the end of the run ({}): it never happens",
                        topology.duration
                    ),
                );
            }
            let command = timed.command();
            match command_problem(&now, command, &numbers) {
                Some(message) => self.error(&path, message),
                None if command.is_edit() => match now.apply(command) {
                    Ok(()) => edited = Some(index),
                    Err(error) => self.error(&path, error.to_string()),
                },
                None => {
                    let before = command.node().and_then(|name| now.nodes.get(name));
                    let members = before.map_or(0, |node| u64::from(node.members()));
                    scale(&mut now, command);
                    if let Some(name) = command.node() {
                        // A deployment may start further instances, whose numbers are then in use.
                        let more = match command {
                            Command::AddInstances(_, count) => u64::from(*count),
                            Command::Deploy(..) => members,
                            _ => 0,
                        };
                        let highest = numbers.entry(name.to_owned()).or_default();
                        *highest = (*highest).max(members) + more;
                    }
                }
            }
        }
        if let Some(last) = edited {
            self.after_edit(last, &now);
        }
    }

    /// What is wrong with the topology that an edit of the scenario leads to.
    fn after_edit(&mut self, index: usize, now: &Topology) {
        let mut after = Check {
            topology: now,
            problems: Vec::new(),
        };
        after.size();
        if after.problems.is_empty() {
            after.structure();
        }
        let mut problems = after.problems.into_iter();
        if let Some(problem) = problems.find(|problem| problem.severity == Severity::Error) {
            // What was wrong from the start has been said.
            let old = self
                .problems
                .iter()
                .any(|old| old.path == problem.path && old.message == problem.message);
            if !old {
                self.error(
                    format!("scenario[{index}]"),
                    format!("after it {}: {}", problem.path, problem.message),
                );
            }
        }
    }

    /// What a file expects must be figures that its results can have.
    pub(super) fn expects(&mut self) {
        let topology = self.topology;
        if topology.expects.is_empty() {
            return;
        }
        let results = Ends::of(topology);
        for (index, text) in topology.expects.iter().enumerate() {
            let path = format!("expects[{index}]");
            match text.parse::<Expectation>() {
                Ok(Expectation { metric, .. }) => {
                    for figure in std::iter::once(&metric.path).chain(&metric.over) {
                        if let Some(message) = results.problem(figure) {
                            self.error(&path, message);
                        }
                    }
                }
                Err(message) => self.error(path, message),
            }
        }
    }
}

/// Adds or removes instances, as the command says; others change nothing.
pub(super) fn scale(topology: &mut Topology, command: &Command) {
    let (Command::AddInstances(name, _) | Command::RemoveInstances(name, _)) = command else {
        return;
    };
    if let Some(Node::Service(service)) = topology.nodes.get_mut(name) {
        service.instances = match command {
            Command::AddInstances(_, count) => service.instances.saturating_add(*count),
            Command::RemoveInstances(_, count) => service.instances.saturating_sub(*count).max(1),
            _ => service.instances,
        };
    }
}

/// Most times that something gets slower.
const MOST_SLOWER: f64 = 1e6;

/// What is wrong with how slow, or how lossy, a command makes something.
fn extent_problem(command: &Command) -> Option<String> {
    match command {
        Command::Slow(_, factor) | Command::SlowInstance(_, _, factor) => {
            let right = *factor > 1.0 && *factor <= MOST_SLOWER;
            (!right).then(|| {
                format!("{factor} is no number of times slower: more than 1, at most {MOST_SLOWER}")
            })
        }
        Command::Lose(_, share) => (!(share.0 > 0.0 && share.0 < 1.0)).then(|| {
            format!("{share} cannot be lost on the way: more than 0 %, less than 100 % (`Cut` loses everything)")
        }),
        _ => None,
    }
}

/// Most instances of a service, as its setting says.
fn most_instances() -> &'static str {
    let fields = match Service::shape() {
        Shape::Group(fields) => fields,
        _ => Vec::new(),
    };
    let instances = fields.iter().find(|field| field.name == "instances");
    instances.and_then(|field| field.range).map_or("", |r| r.1)
}

/// What is wrong with a command that is no edit, on the system as it is then. `numbers`: the highest number that an
/// instance may have had, by node.
fn command_problem(
    topology: &Topology,
    command: &Command,
    numbers: &BTreeMap<String, u64>,
) -> Option<String> {
    let of_key = matches!(command, Command::ReplaceSigningKey | Command::RotateKeys(_));
    if command.is_edit() || of_key {
        return match (of_key, &topology.sessions) {
            (true, sessions) if !matches!(sessions, Sessions::Jwt(_)) => {
                Some("there is no signing key: only `sessions: Jwt(...)` has one".to_owned())
            }
            _ => None,
        };
    }
    let most = |name: &str, node: &Node| {
        let highest = numbers.get(name).copied().unwrap_or(0);
        u64::from(node.members()).max(highest)
    };
    if let Some(sides) = command.sides() {
        let wrong = [&sides.from, &sides.to]
            .into_iter()
            .find_map(|side| side.problem(topology, most));
        return wrong.or_else(|| extent_problem(command));
    }
    if let Command::LoseZone(zone) = command {
        return topology.zone_problem(zone);
    }
    let name = command.node()?;
    let Some(node) = topology.nodes.get(name) else {
        return Some(unknown_name(
            "node",
            name,
            topology.nodes.keys().map(String::as_str),
        ));
    };
    match command {
        Command::Crash(_, number)
        | Command::LoseMachine(_, number)
        | Command::Hang(_, number)
        | Command::Resume(_, number)
        | Command::SlowInstance(_, number, _)
        | Command::Restart(_, number) => {
            if !(matches!(node, Node::Service(_)) || node.is_store()) {
                return Some(format!(
                    "`{name}` is {}: faults happen to instances of services and members of stores",
                    kind(node)
                ));
            }
            let most = most(name, node);
            if *number == 0 || u64::from(*number) > most {
                return Some(format!(
                    "there is no instance {number} of `{name}`: they count from 1 to {most}"
                ));
            }
            extent_problem(command)
        }
        Command::Failover(_) | Command::ForceFailover(_) => {
            if !node.is_store() {
                Some(format!(
                    "`{name}` is {}: only a store fails over",
                    kind(node)
                ))
            } else if node.members() < 2 {
                Some(format!(
                    "`{name}` has no replica to fail over to: give it `replication: Asynchronous()`"
                ))
            } else {
                None
            }
        }
        Command::Deploy(..) | Command::AddInstances(..) | Command::RemoveInstances(..)
            if !matches!(node, Node::Service(_)) =>
        {
            Some(format!(
                "`{name}` is {}: only services are deployed and scaled",
                kind(node)
            ))
        }
        Command::AddInstances(_, count) => {
            let total = u64::from(node.members()) + u64::from(*count);
            let others = topology
                .nodes
                .values()
                .map(|node| u64::from(node.members()));
            let all = others.sum::<u64>() + u64::from(*count);
            if *count == 0 {
                Some("it adds no instance".to_owned())
            } else if node
                .clone()
                .set(&["instances"], &total.to_string())
                .is_err()
            {
                let most = most_instances();
                Some(format!(
                    "that makes {total} instances of `{name}`: at most {most}"
                ))
            } else if all > MAX_INSTANCES {
                Some(format!(
                    "that makes {all} instances and store members in all: at most {MAX_INSTANCES}"
                ))
            } else {
                None
            }
        }
        Command::RemoveInstances(_, count) => {
            let there = u64::from(node.members());
            if *count == 0 {
                Some("it removes no instance".to_owned())
            } else if u64::from(*count) >= there {
                Some(format!(
                    "at most {} of the {there} instances of `{name}` can be removed: one has to stay",
                    there - 1
                ))
            } else {
                None
            }
        }
        // These name no node, or what they name is checked as an edit.
        Command::Deploy(..)
        | Command::LoseZone(_)
        | Command::Cut(_)
        | Command::CutOneWay(_)
        | Command::Slow(..)
        | Command::Lose(..)
        | Command::Heal(_)
        | Command::ReplaceSigningKey
        | Command::RotateKeys(_)
        | Command::Set(..)
        | Command::Add(..)
        | Command::Remove(_)
        | Command::Link(_)
        | Command::Unlink(_) => None,
    }
}
