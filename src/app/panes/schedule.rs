//! The schedule as it is edited: what can be planned for what is selected, and each gesture as one change of the document.

use crate::app::action::{Action, Selection};
use crate::app::icons::Icon;
use crate::app::run::meant::service;
use crate::app::run::state::View;
use crate::app::words::{events, format, spoken};
use crate::model::check::{Severity, check};
use crate::model::settings::to_ron;
use crate::model::workload::Arrivals;
use crate::model::{Command, Node, Sessions, Side, Sides, Stop, Timed, Topology};
use crate::units::{Duration, Share};

/// Whether an event of the document's scenario is still to come in this run.
pub fn is_ahead(view: &View, place: usize) -> bool {
    let now = view.snapshot.now;
    let at = view.schedule.get(place).copied().unwrap_or_default();
    at > now || now == Duration(0)
}

/// The places of the events that are still to come.
pub fn ahead(view: &View) -> impl Iterator<Item = usize> {
    (0..view.topology.scenario.len()).filter(|&place| is_ahead(view, place))
}

/// The event that comes next, and when.
pub fn next(view: &View) -> Option<(usize, Duration)> {
    ahead(view)
        .filter_map(|place| Some((place, *view.schedule.get(place)?)))
        .min_by_key(|(place, at)| (*at, *place))
}

/// What was done to this run by hand and is not in the document's scenario.
pub fn recorded(view: &View) -> Vec<Timed> {
    let by_hand = |timed: &&Timed| {
        let command = timed.command();
        !command.is_edit() && !view.topology.scenario.contains(timed)
    };
    view.recording.iter().filter(by_hand).cloned().collect()
}

/// Something that can be planned.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// Its picture.
    pub icon: Icon,
    /// In words: "crash api 2".
    pub text: String,
    /// The same without the node: "Crash".
    pub verb: &'static str,
    /// What would be done.
    pub command: Command,
}

/// The node and instance that a new event would be about: what is selected, else the service that a fault would strike.
fn meant(view: &View) -> Option<(String, u32)> {
    match view.selection {
        Some(Selection::Instance(node, number)) => Some((node.clone(), *number)),
        Some(Selection::Node(node)) => Some((node.clone(), 1)),
        Some(Selection::Link(_) | Selection::Nodes(_)) | None => {
            let service = service(view);
            let store = || {
                let mut nodes = view.topology.nodes.iter();
                let found = nodes.find(|(_, node)| node.is_store());
                found.map(|(name, _)| name.clone())
            };
            Some((service.or_else(store)?, 1))
        }
    }
}

/// What is offered where several nodes are selected.
const FIRST: [&str; 4] = ["Crash", "Lose the machine", "Deploy", "Fail over"];

/// What can be planned at a time for what is selected: only what the system can do then.
pub fn offers(view: &View, at: Duration) -> Vec<Offer> {
    let mut offers = Vec::new();
    match view.selection {
        Some(Selection::Link(key)) => offers.extend(of_link(key)),
        Some(Selection::Nodes(names)) => {
            let all = names
                .iter()
                .flat_map(|name| of_node(view.topology, name, 1));
            // Of several, what matters most: a menu has an end.
            offers.extend(all.filter(|offer| FIRST.contains(&offer.verb)));
        }
        _ => {
            if let Some((node, number)) = meant(view) {
                offers.extend(of_node(view.topology, &node, number));
            }
        }
    }
    if matches!(view.topology.sessions, Sessions::Jwt(_)) {
        offers.push(offer("Replace the signing key", Command::ReplaceSigningKey));
        let overlap = Command::RotateKeys(Duration(900_000_000_000));
        offers.push(offer("Rotate the signing keys", overlap));
    }
    offers.retain(|offer| {
        problem(view.topology, &Timed::At(at, offer.command.clone()), None).is_none()
    });
    offers
}

/// A command as a title: "Crash api 2", "Add 1 instance to api".
pub fn title(command: &Command) -> String {
    let instances = |count: u32| format::counted(u64::from(count), "instance", "instances");
    match command {
        Command::AddInstances(node, count) => format!("Add {} to {node}", instances(*count)),
        Command::RemoveInstances(node, count) => {
            format!("Remove {} of {node}", instances(*count))
        }
        other => spoken::capitalised(&events::imperative(other).1),
    }
}

fn offer(verb: &'static str, command: Command) -> Offer {
    Offer {
        icon: events::imperative(&command).0,
        text: title(&command),
        verb,
        command,
    }
}

/// What can be planned for a node.
pub fn of_node(topology: &Topology, name: &str, number: u32) -> Vec<Offer> {
    let Some(node) = topology.nodes.get(name) else {
        return Vec::new();
    };
    let own = || name.to_owned();
    let mut offers = Vec::new();
    if matches!(node, Node::Service(_)) || node.is_store() {
        offers.extend([
            offer("Crash", Command::Crash(own(), number)),
            offer("Lose the machine", Command::LoseMachine(own(), number)),
            offer("Hang", Command::Hang(own(), number)),
            offer("Resume", Command::Resume(own(), number)),
            offer("Restart", Command::Restart(own(), number)),
            offer("Slow down", Command::SlowInstance(own(), number, 10.0)),
        ]);
        let here = Side::Instance(own(), number);
        let sides = Sides {
            from: here,
            to: Side::Rest,
        };
        offers.push(offer("Cut off", Command::Cut(sides)));
        let zone = node.zone(number);
        offers.extend(zone.map(|zone| offer("Lose its zone", Command::LoseZone(zone.to_owned()))));
    }
    match node {
        Node::Service(_) => offers.extend([
            offer("Deploy", Command::Deploy(own(), Stop::Drained)),
            offer("Deploy abruptly", Command::Deploy(own(), Stop::Abrupt)),
            offer("Add instances", Command::AddInstances(own(), 1)),
            offer("Remove instances", Command::RemoveInstances(own(), 1)),
        ]),
        Node::RedisLike(_) | Node::SqlDatabase(_) => offers.extend([
            offer("Fail over", Command::Failover(own())),
            offer("Force failover", Command::ForceFailover(own())),
        ]),
        Node::Clients(clients) => offers.extend(of_clients(name, &clients.arrivals)),
        Node::LoadBalancer(_) | Node::ObjectStore(_) => {}
    }
    offers
}

/// A load twice as high, where it is a plain rate.
fn of_clients(name: &str, arrivals: &Arrivals) -> Option<Offer> {
    let twice = match arrivals {
        Arrivals::Poisson(rate) => Arrivals::Poisson(crate::units::Rate(rate.0 * 2.0)),
        Arrivals::Steady(rate) => Arrivals::Steady(crate::units::Rate(rate.0 * 2.0)),
        _ => return None,
    };
    let set = Command::Set(format!("nodes.{name}.arrivals"), to_ron(&twice));
    Some(Offer {
        text: format!("Double the load of {name}"),
        ..offer("Double the load", set)
    })
}

fn of_link(key: &str) -> Vec<Offer> {
    let sides = key
        .split_once("->")
        .map(|(from, to)| Sides::nodes(from, to));
    sides.map_or_else(Vec::new, |sides| between(&sides))
}

/// What can happen to the network between two sides.
pub fn between(sides: &Sides) -> Vec<Offer> {
    let own = || sides.clone();
    vec![
        offer("Cut", Command::Cut(own())),
        offer("Cut one way", Command::CutOneWay(own())),
        offer("Cut the other way", Command::CutOneWay(sides.reversed())),
        offer("Slow down", Command::Slow(own(), 10.0)),
        offer("Lose messages", Command::Lose(own(), Share(0.01))),
        offer("Heal", Command::Heal(own())),
    ]
}

/// What is wrong with an event, in words; in the stead of the one at `place`, or as a new one.
pub fn problem(topology: &Topology, event: &Timed, place: Option<usize>) -> Option<String> {
    let mut changed = topology.clone();
    let place = place.unwrap_or_else(|| {
        changed.scenario.push(event.clone());
        changed.scenario.len() - 1
    });
    *changed.scenario.get_mut(place)? = event.clone();
    let known = check(topology);
    let fresh = check(&changed).into_iter().find(|problem| {
        let old = known.iter().any(|old| old.message == problem.message);
        problem.severity == Severity::Error && !old
    })?;
    // It is said where it was done: the place in the file does not matter here.
    let is_name = |name: &str| topology.nodes.contains_key(name);
    Some(spoken::capitalised(&spoken::sentence(
        &fresh.message,
        is_name,
    )))
}

/// The whole scenario as one change.
fn set(scenario: &[Timed], label: String) -> Action {
    let command = Command::Set("scenario".to_owned(), to_ron(&scenario.to_vec()));
    Action::Edit(vec![command], label)
}

fn name(timed: &Timed) -> String {
    events::imperative(timed.command()).1
}

/// Another event. It stands last in the file, so that what is expected of earlier ones stays theirs.
pub fn added(view: &View, at: Duration, command: Command) -> Action {
    let label = format!(
        "Scheduled {} at {}",
        events::imperative(&command).1,
        format::instant(at)
    );
    let mut scenario = view.topology.scenario.clone();
    scenario.push(Timed::At(at, command));
    set(&scenario, label)
}

/// Events that were done by hand, as part of the scenario from now on.
pub fn kept(view: &View, events: &[Timed]) -> Action {
    let label = match events {
        [one] => format!("Kept {} in the scenario", name(one)),
        _ => format!("Kept {} events in the scenario", events.len()),
    };
    set(&[&view.topology.scenario, events].concat(), label)
}

/// Events at other times.
pub fn moved(view: &View, events: &[(usize, Timed)]) -> Option<Action> {
    let mut scenario = view.topology.scenario.clone();
    for (place, timed) in events {
        *scenario.get_mut(*place)? = timed.clone();
    }
    let label = match events {
        [(_, Timed::At(at, _))] => {
            format!("Moved {} to {}", name(&events[0].1), format::instant(*at))
        }
        [(_, Timed::Between(from, to, _))] => format!(
            "Moved {} to between {} and {}",
            name(&events[0].1),
            format::instant(*from),
            format::instant(*to)
        ),
        _ => format!("Moved {} events", events.len()),
    };
    (scenario != view.topology.scenario).then(|| set(&scenario, label))
}

/// Another event in the stead of one.
pub fn changed(view: &View, place: usize, timed: Timed, what: &str) -> Option<Action> {
    let mut scenario = view.topology.scenario.clone();
    let label = format!("{}: {what}", spoken::capitalised(&name(&timed)));
    *scenario.get_mut(place)? = timed;
    (scenario != view.topology.scenario).then(|| set(&scenario, label))
}

/// The scenario without some of its events.
pub fn removed(view: &View, places: &[usize]) -> Action {
    let scenario = &view.topology.scenario;
    let label = match places {
        [place] => scenario.get(*place).map_or_else(String::new, |timed| {
            format!("Took {} out of the scenario", name(timed))
        }),
        _ => format!("Took {} events out of the scenario", places.len()),
    };
    let rest: Vec<Timed> = (0..scenario.len())
        .filter(|place| !places.contains(place))
        .map(|place| scenario[place].clone())
        .collect();
    set(&rest, label)
}

/// An event so much later, but never before `least`: a span keeps its length.
pub fn shifted(timed: &Timed, by: f64, least: Duration) -> Timed {
    let shift = |at: Duration, by: f64| Duration::from_secs((at.secs() + by).max(0.0));
    match timed {
        Timed::At(at, command) => Timed::At(shift(*at, by).max(least), command.clone()),
        Timed::Between(from, to, command) => {
            let begin = shift(*from, by).max(least);
            let length = to.0.saturating_sub(from.0);
            Timed::Between(begin, Duration(begin.0 + length), command.clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::Sample;

    #[test]
    fn what_is_offered_fits_what_is_selected() {
        let mut sample = Sample::new();
        let texts = |sample: &Sample| -> Vec<String> {
            let offers = offers(&sample.view(), Duration::from_secs(80.0));
            offers.into_iter().map(|offer| offer.text).collect()
        };
        sample.selection = Some(Selection::Instance("api".into(), 3));
        let of_instance = texts(&sample);
        assert!(
            of_instance.contains(&"Crash api 3".to_owned()),
            "{of_instance:?}"
        );
        assert!(of_instance.contains(&"Deploy api".to_owned()));
        assert!(of_instance.contains(&"Add 1 instance to api".to_owned()));
        // Only a store fails over, and only tokens have a key.
        assert!(!of_instance.iter().any(|text| text.contains("ail over")));
        assert!(!of_instance.iter().any(|text| text.contains("signing")));
        assert!(of_instance.contains(&"Cut between api 3 and everything else".to_owned()));
        sample.selection = Some(Selection::Link("lb->api".into()));
        let of_link = texts(&sample);
        assert!(
            of_link.contains(&"Cut from api to lb".to_owned()),
            "{of_link:?}"
        );
        assert!(of_link.contains(&"Lose 1 % between lb and api".to_owned()));
        sample.selection = Some(Selection::Node("clients".into()));
        assert_eq!(texts(&sample), ["Double the load of clients"]);
        sample.selection = Some(Selection::Node("lb".into()));
        assert_eq!(texts(&sample), Vec::<String>::new());
        // With nothing selected, the service that a key would strike.
        sample.selection = None;
        assert!(texts(&sample).contains(&"Crash api 1".to_owned()));
    }

    #[test]
    fn what_cannot_be_says_why_in_words() {
        let topology = Sample::new().topology;
        let at = Duration::from_secs(80.0);
        let wrong = Timed::At(at, Command::Crash("api".into(), 9));
        let why = problem(&topology, &wrong, None).unwrap();
        assert!(why.contains("no instance 9 of api"), "{why}");
        assert!(!why.contains("scenario["), "{why}");
        let right = Timed::At(at, Command::Crash("api".into(), 4));
        assert_eq!(problem(&topology, &right, None), None);
    }

    #[test]
    fn a_shift_keeps_a_span_and_stops_at_now() {
        let s = Duration::from_secs;
        let crash = || Command::Crash("api".into(), 1);
        let span = Timed::Between(s(60.0), s(70.0), crash());
        assert_eq!(
            shifted(&span, 5.5, s(10.0)),
            Timed::Between(s(65.5), s(75.5), crash())
        );
        assert_eq!(
            shifted(&span, -30.0, s(50.0)),
            Timed::Between(s(50.0), s(60.0), crash())
        );
        assert_eq!(
            shifted(&Timed::At(s(5.0), crash()), -9.0, s(0.0)),
            Timed::At(s(0.0), crash())
        );
    }
}
