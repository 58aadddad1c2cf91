//! What is wrong with the network and with single instances, in words, and what ends it.

use super::events;
use super::format;
use crate::model::{Command, Side, Sides};
use crate::sim::snapshot::{Extent, FaultView, InstanceView, LinkView, Snapshot, Trouble};
use crate::units::Duration;

/// Something that is wrong now.
#[derive(Clone, Debug, PartialEq)]
pub struct Wrong {
    /// In words: "10 times slower between api and db".
    pub words: String,
    /// Since when.
    pub since: Option<Duration>,
    /// What it began with.
    pub began: Command,
    /// What ends it.
    pub end: Command,
}

/// How many times slower: "10 times slower".
pub fn slower(factor: f64) -> String {
    format!("{} times slower", format::times(factor))
}

/// What is wrong on the way between two nodes, in a few words each.
pub fn in_words(trouble: &Trouble) -> Vec<String> {
    let mut parts = cut_in_words(trouble.cut);
    if parts == ["cut"] {
        return parts;
    }
    if trouble.slower > 1.0 {
        parts.push(slower(trouble.slower));
    }
    if trouble.loss > 0.0 {
        parts.push(format!("{} of messages lost", format::given(trouble.loss)));
    }
    parts
}

fn cut_in_words(cut: [Extent; 2]) -> Vec<String> {
    let both = match cut {
        [Extent::All, Extent::All] => "cut",
        [Extent::Some, Extent::Some] => "cut in part",
        _ => "",
    };
    if !both.is_empty() {
        return vec![both.to_owned()];
    }
    let ways = cut.into_iter().zip(["requests", "replies"]);
    ways.filter_map(|(extent, what)| match extent {
        Extent::None => None,
        Extent::Some => Some(format!("some {what} cut off")),
        Extent::All => Some(format!("{what} cut off")),
    })
    .collect()
}

/// What is wrong on a link.
pub fn of_link(snapshot: &Snapshot, from: &str, to: &str) -> Vec<Wrong> {
    let is = |link: &&LinkView| link.from == from && link.to == to;
    let link = snapshot.links.iter().find(is);
    let trouble = link.and_then(|link| link.trouble.as_ref());
    let faults = trouble.map_or(&[][..], |trouble| &trouble.faults);
    of_network(snapshot, faults, |_| true)
}

/// What is wrong with an instance of a node: it is slow, or it or its zone is cut off.
pub fn of_instance(snapshot: &Snapshot, node: &str, instance: &InstanceView) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    if instance.slowed > 1.0 {
        let began = |fault: &&FaultView| {
            matches!(&fault.command, Command::SlowInstance(name, number, _)
                if name == node && *number == instance.number)
        };
        let last = snapshot.faults.iter().rfind(began);
        wrong.push(Wrong {
            words: format!("Works {}", slower(instance.slowed)),
            since: last.map(|fault| fault.at),
            began: Command::SlowInstance(node.to_owned(), instance.number, instance.slowed),
            end: Command::Resume(node.to_owned(), instance.number),
        });
    }
    let is_here = |side: &Side| match side {
        Side::Instance(name, number) => name == node && *number == instance.number,
        Side::Zone(zone) => instance.zone.as_ref() == Some(zone),
        Side::Node(_) | Side::Rest => false,
    };
    let about = |sides: &Sides| is_here(&sides.from) || is_here(&sides.to);
    wrong.extend(of_network(snapshot, &snapshot.network, about));
    wrong
}

fn of_network(snapshot: &Snapshot, faults: &[usize], about: impl Fn(&Sides) -> bool) -> Vec<Wrong> {
    let faults = faults
        .iter()
        .filter_map(|&fault| snapshot.faults.get(fault));
    let wrong = faults.filter_map(|fault| {
        let sides = fault.command.sides().filter(|sides| about(sides))?;
        Some(Wrong {
            words: events::past(&fault.command),
            since: Some(fault.at),
            began: fault.command.clone(),
            end: Command::Heal(sides.clone()),
        })
    });
    wrong.collect()
}

/// What ends all that is wrong: what several have in common once.
pub fn ends(wrong: &[Wrong]) -> Vec<Command> {
    let mut ends: Vec<Command> = Vec::new();
    let same = |a: &Command, b: &Command| match (a.sides(), b.sides()) {
        (Some(a), Some(b)) => a == b || *a == b.reversed(),
        _ => a == b,
    };
    for wrong in wrong {
        if !ends.iter().any(|end| same(end, &wrong.end)) {
            ends.push(wrong.end.clone());
        }
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::Sample;

    #[test]
    fn what_is_wrong_is_told_in_few_words() {
        let told = |cut, slower, loss| {
            in_words(&Trouble {
                cut,
                slower,
                loss,
                faults: Vec::new(),
            })
        };
        let (none, some, all) = (Extent::None, Extent::Some, Extent::All);
        assert_eq!(told([none; 2], 1.0, 0.0), Vec::<String>::new());
        // Of what is cut nothing else matters.
        assert_eq!(told([all; 2], 10.0, 0.01), ["cut"]);
        assert_eq!(
            told([some; 2], 10.0, 0.0),
            ["cut in part", "10 times slower"]
        );
        assert_eq!(
            told([all, some], 1.0, 0.0),
            ["requests cut off", "some replies cut off"]
        );
        assert_eq!(
            told([none; 2], 2.5, 0.025),
            ["2.5 times slower", "2.5 % of messages lost"]
        );
    }

    #[test]
    fn what_is_wrong_with_an_instance_names_it_or_its_zone() {
        let mut snapshot = Sample::new().snapshot;
        let mut add = |command: Command| {
            let fault = FaultView {
                command,
                ..snapshot.faults[0].clone()
            };
            snapshot.faults.push(fault);
            snapshot.faults.len() - 1
        };
        let sides = |text: &str| text.parse::<Sides>().unwrap();
        let network = vec![
            add(Command::Cut(sides("api.2 -> *"))),
            add(Command::Slow(sides("* -> api.2"), 3.0)),
            add(Command::Cut(sides("@a -> @b"))),
            add(Command::Cut(sides("api.3 -> *"))),
            add(Command::Cut(sides("api -> lb"))),
        ];
        add(Command::SlowInstance("api".into(), 2, 4.0));
        snapshot.network = network;
        let mut instance = snapshot.nodes[2].instances[1].clone();
        instance.zone = Some("b".into());
        instance.slowed = 4.0;
        let wrong = of_instance(&snapshot, "api", &instance);
        let words: Vec<&str> = wrong.iter().map(|wrong| &*wrong.words).collect();
        assert_eq!(
            words,
            [
                "Works 4 times slower",
                "Cut between api 2 and everything else",
                "3 times slower between everything else and api 2",
                "Cut between zone a and zone b"
            ]
        );
        // One command heals both that lie between the same sides.
        assert_eq!(
            ends(&wrong),
            [
                Command::Resume("api".into(), 2),
                Command::Heal(sides("api.2 -> *")),
                Command::Heal(sides("@a -> @b")),
            ]
        );
    }
}
