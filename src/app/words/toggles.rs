//! What the choices of the two toggles would do, in words: where state lives, and how sessions are kept.

use std::collections::BTreeMap;

use crate::app::words::{events, format, spoken};
use crate::model::toggles::{self, Change, Choice, Placement, Refusal, Remembered, SessionKind};
use crate::model::toggles::{UsedStore, Why};
use crate::model::{Command, Timed, Topology};

/// What a choice would do, as it is told.
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

/// What can be done where a choice cannot be.
#[derive(Clone, Debug, PartialEq)]
pub struct Way {
    /// What it is, in a few words for a button.
    pub word: String,
    /// The edit.
    pub commands: Vec<Command>,
    /// The edit's name.
    pub label: String,
}

/// What it would take to keep the state of these services elsewhere.
pub fn place(
    topology: &Topology,
    remembered: &Remembered,
    services: &[String],
    wanted: Placement,
) -> Offer {
    let offer = toggles::place(topology, remembered, services, wanted);
    match told(offer, topology) {
        // Of several it says which one is against it; and then there is no way that all could go.
        (Offer::Not { reason, way }, Some(Choice::Placement(one, _))) if services.len() > 1 => {
            Offer::Not {
                reason: format!("{}: {reason}", one.join(", ")),
                way,
            }
        }
        (offer, _) => offer,
    }
}

/// What it would take to keep sessions otherwise.
pub fn keep_sessions(topology: &Topology, remembered: &Remembered, wanted: SessionKind) -> Offer {
    told(
        toggles::keep_sessions(topology, remembered, wanted),
        topology,
    )
    .0
}

/// An offer in words, and the choice that was refused.
fn told(offer: toggles::Offer, topology: &Topology) -> (Offer, Option<Choice>) {
    match offer {
        toggles::Offer::Current => (Offer::Current, None),
        toggles::Offer::Change(change) => {
            let label = label(&change);
            (Offer::Edit(change.commands, label), None)
        }
        toggles::Offer::Not(Refusal { choice, why, way }) => {
            let reason = reason(&why, topology);
            let way = way.map(told_way);
            (Offer::Not { reason, way }, Some(choice))
        }
    }
}

fn told_way(change: Change) -> Way {
    let label = label(&change);
    let word = if change.dropped.is_empty() {
        format!("Instead: {}", short(&label))
    } else {
        "Drop it with the change".to_owned()
    };
    Way {
        word,
        commands: change.commands,
        label,
    }
}

/// The name of the step: the choice, and what it means besides.
fn label(change: &Change) -> String {
    let mut label = match &change.choice {
        Choice::Placement(services, wanted) => match services.as_slice() {
            [service] => placed(service, *wanted, change.store.as_ref()),
            several => return all_placed(several.len(), *wanted),
        },
        Choice::Sessions(wanted) => kept(*wanted, change.store.as_ref()),
    };
    label += &routing(change);
    if !change.dropped.is_empty() {
        label += &format!("; dropped {}", told_events(&change.dropped));
    }
    label
}

fn placed(service: &str, wanted: Placement, store: Option<&UsedStore>) -> String {
    match (wanted, store) {
        (Placement::Stateless, _) => format!("{service} keeps no state"),
        (Placement::Memory, _) => format!("{service} keeps state in memory"),
        (Placement::Disk, _) => format!("{service} keeps state on its disk"),
        (Placement::LocalDatabase, _) => format!("{service} keeps state in a local database"),
        (Placement::External, Some(UsedStore { name, added: true })) => {
            format!("Added {name}, where {service} keeps state")
        }
        (Placement::External, Some(store)) => format!("{service} keeps state in {}", store.name),
        (Placement::External, None) => format!("{service} keeps state in a store"),
    }
}

fn all_placed(count: usize, wanted: Placement) -> String {
    let keep = match wanted {
        Placement::Stateless => "keep no state",
        Placement::Memory => "keep state in memory",
        Placement::Disk => "keep state on their disks",
        Placement::LocalDatabase => "keep state in local databases",
        Placement::External => "keep state in a store",
    };
    format!("{count} services {keep}")
}

fn kept(wanted: SessionKind, store: Option<&UsedStore>) -> String {
    match (wanted, store) {
        (SessionKind::None, _) => "No sessions".to_owned(),
        (SessionKind::Jwt, _) => "Sessions kept in tokens".to_owned(),
        (SessionKind::Server, Some(UsedStore { name, added: true })) => {
            format!("Added {name}, where sessions are kept")
        }
        (SessionKind::Server, Some(store)) => format!("Sessions kept in {}", store.name),
        (SessionKind::Server, None) => "Sessions kept in a store".to_owned(),
        (SessionKind::Sticky, _) => "Sessions kept in memory".to_owned(),
    }
}

/// What becomes of the balancers: "; balancer: round robin", or by name where there are more.
fn routing(change: &Change) -> String {
    let mut said: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for routing in &change.routing {
        let word = if routing.stays { "stays " } else { "" };
        let words = format!("{word}{}", routing.policy.words());
        said.entry(words).or_default().push(&routing.balancer);
    }
    let of = |names: Vec<&str>| match change.balancers {
        1 => "balancer".to_owned(),
        _ => names.join(", "),
    };
    said.into_iter()
        .map(|(words, names)| format!("; {}: {words}", of(names)))
        .collect()
}

fn reason(why: &Why, topology: &Topology) -> String {
    match why {
        Why::NoService(name) => format!("{name} is no service"),
        Why::Impossible(error) => error.to_string(),
        Why::Broken(problem) => {
            spoken::sentence(&problem.message, |name| topology.nodes.contains_key(name))
        }
        Why::Scheduled(timed) => {
            let against = told_events(timed);
            format!("the scenario has {against}, which could not happen then")
        }
    }
}

/// Events of the scenario: the first, and how many others.
fn told_events(timed: &[Timed]) -> String {
    let Some((first, rest)) = timed.split_first() else {
        return String::new();
    };
    let event = events::scheduled(first);
    let mut words = format!("\"{}\" at {}", event.label, format::instant(event.at));
    if !rest.is_empty() {
        let others = format::counted(rest.len() as u64, "other event", "other events");
        words += &format!(" and {others}");
    }
    words
}

/// A label that fits a button of the inspector.
fn short(label: &str) -> String {
    if label.chars().count() <= 24 {
        return label.to_owned();
    }
    label.chars().take(23).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{file, presets};

    fn preset(name: &str) -> Topology {
        file::read(presets::find(name).unwrap().text, name).unwrap()
    }

    #[test]
    fn a_step_says_what_else_it_changes() {
        let mut sticky = preset("sticky-in-memory");
        let fresh = Remembered::default();
        let Offer::Edit(commands, label) = keep_sessions(&sticky, &fresh, SessionKind::Server)
        else {
            panic!("sessions can be kept in a store");
        };
        assert!(label.starts_with("Added store, where"), "{label}");
        for command in &commands {
            sticky.apply(command).unwrap();
        }
        let offer = place(&sticky, &fresh, &["api".into()], Placement::External);
        let Offer::Edit(_, label) = offer else {
            panic!("state can be kept in a store");
        };
        assert_eq!(label, "api keeps state in store; balancer: round robin");
    }

    #[test]
    fn what_cannot_be_says_why_and_offers_a_button() {
        let sticky = preset("sticky-in-memory");
        let fresh = Remembered::default();
        let offer = place(&sticky, &fresh, &["api".into()], Placement::Stateless);
        let Offer::Not { reason, way } = offer else {
            panic!("nothing else keeps the writes");
        };
        assert!(
            !reason.is_empty() && !reason.contains(['`', '_']),
            "{reason}"
        );
        let way = way.unwrap();
        assert!(way.word.starts_with("Instead: ") && way.word.chars().count() <= 33);
        assert!(!way.label.is_empty() && !way.commands.is_empty());
    }
}
