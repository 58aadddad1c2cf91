//! What happened or will happen, in words: for the log and for the marks on the axis of time.

use crate::app::icons::Icon;
use crate::app::words::Span;
use crate::app::words::format;
use crate::app::words::spoken::{self, capitalised, words};
use crate::model::{Command, Stop, Timed};
use crate::sim::snapshot::{FaultView, Happening, Recovery, Snapshot, What};
use crate::units::Duration;

/// An event as it is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// When.
    pub at: Duration,
    /// Its picture.
    pub icon: Icon,
    /// A few words beside a mark: "crash api 2".
    pub label: String,
    /// The main thing as a sentence: "api 2 crashed".
    pub title: String,
    /// What it cost, in parts.
    pub detail: Vec<Span>,
    /// Whether something was lost by it.
    pub lost: bool,
    /// Whether it has a mark on the axis of time, besides its line in the log.
    pub marked: bool,
}

impl Event {
    fn new(at: Duration, icon: Icon, label: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            at,
            icon,
            label: label.into(),
            title: title.into(),
            detail: Vec::new(),
            lost: false,
            marked: true,
        }
    }

    fn only_logged(mut self) -> Self {
        self.marked = false;
        self
    }

    /// All of it as plain text.
    pub fn sentence(&self) -> String {
        let mut text = self.title.clone();
        for (i, span) in self.detail.iter().enumerate() {
            text.push_str(if i == 0 { ": " } else { " " });
            text.push_str(&span.text);
        }
        text
    }
}

/// What happened, with what it has cost by now.
pub fn happened(happening: &Happening, snapshot: &Snapshot) -> Event {
    let at = happening.at;
    let fault_of = |index: &Option<usize>| index.and_then(|index| snapshot.faults.get(index));
    match &happening.what {
        What::Command { command, fault } => {
            let (icon, label) = imperative(command);
            let mut event = Event::new(at, icon, label, past(command));
            if let Some(fault) = fault_of(fault) {
                event.detail = cost(fault, true);
                event.lost = fault.lost_writes > 0 || fault.lost_sessions > 0;
            }
            event
        }
        What::NoEffect { command, why } => {
            let (icon, label) = imperative(command);
            let mut event = Event::new(at, icon, label.clone(), capitalised(&label));
            let is_name = |name: &str| snapshot.nodes.iter().any(|node| node.name == name);
            let why = spoken::sentence(why, is_name);
            event.detail.push(Span::plain(format!("no effect, {why}.")));
            event.only_logged()
        }
        What::FoundDead {
            node,
            instance,
            after,
            fault,
        } => {
            let after = format!("found dead after {}", format::span(*after));
            let title = format!("{node} {instance} {after}");
            let mut event = Event::new(at, Icon::Eject, after, title);
            if let Some(fault) = fault_of(fault) {
                event.detail = met(fault);
                if event.detail.is_empty() {
                    event.detail.push(Span::plain("No request met it."));
                }
            }
            event
        }
        What::BackInRotation { node, instance } => {
            let title = format!("{node} {instance} gets requests again");
            Event::new(at, Icon::Check, "back", title).only_logged()
        }
        What::Started { node, instance } => {
            let title = format!("{node} {instance} came up");
            Event::new(at, Icon::Play, "up", title).only_logged()
        }
        What::Stopped { node, instance } => {
            let title = format!("{node} {instance} was taken out of service");
            Event::new(at, Icon::Minus, "stopped", title).only_logged()
        }
        What::Promoted {
            node,
            instance,
            lost_writes,
        } => {
            let title = format!("{node} {instance} took over");
            let mut event =
                Event::new(at, Icon::Restart, format!("{node} {instance} leads"), title);
            event.lost = *lost_writes > 0;
            event.detail.push(if event.lost {
                let writes = format::counted(*lost_writes, "write", "writes");
                Span::lost(format!(
                    "{} that had not reached it lost.",
                    acknowledged(&writes)
                ))
            } else {
                Span::plain("Every acknowledged write had reached it.")
            });
            event
        }
        What::Demoted {
            node,
            instance,
            lost_writes,
        } => {
            let title = format!("{node} {instance} learns that another leads");
            let mut event = Event::new(
                at,
                Icon::Restart,
                format!("{node} {instance} follows"),
                title,
            );
            event.lost = *lost_writes > 0;
            event.detail.push(if event.lost {
                let writes = format::counted(*lost_writes, "write", "writes");
                Span::lost(format!("{} that it alone had lost.", acknowledged(&writes)))
            } else {
                Span::plain("It alone had no acknowledged write.")
            });
            event
        }
        What::CalledOff { node, why } => {
            let title = format!("{node} does not fail over");
            let mut event = Event::new(at, Icon::Cross, "called off", title);
            event
                .detail
                .push(Span::plain(format!("Called off: {why}.")));
            event
        }
        What::Rebalancing { node, keys, moves } => {
            let title = format!("Keys of {node} go to other instances");
            let mut event = Event::new(at, Icon::Export, "keys move", title);
            event.detail.push(Span::plain(format!(
                "{} of {}; each is where it was until it has gone.",
                format::grouped(*moves),
                format::counted(*keys, "key", "keys"),
            )));
            event.only_logged()
        }
        What::Rebalanced {
            node,
            moved,
            bytes,
            took,
        } => {
            let title = format!("Keys of {node} are where they belong");
            let mut event = Event::new(at, Icon::Export, "keys moved", title);
            event.detail.push(Span::plain(format!(
                "{} moved, {}, in {}.",
                format::counted(*moved, "key", "keys"),
                format::joined(format::bytes(*bytes as f64)),
                format::span(*took),
            )));
            event
        }
        What::Deployed { node } => Event::new(
            at,
            Icon::Deploy,
            format!("{node} deployed"),
            format!("{node} runs the new version everywhere"),
        ),
        What::Headers { node, refused } => {
            let (icon, label, title) = match refused {
                Some(_) => (Icon::Cross, "token too large", "turns tokens away"),
                None => (Icon::Check, "tokens fit", "takes tokens again"),
            };
            let mut event = Event::new(at, icon, label, format!("{node} {title}"));
            if let Some(limit) = refused {
                event.detail.push(Span::plain(format!(
                    "The header that they are in is larger than {} takes: {} to each request.",
                    limit.server, limit.status
                )));
            }
            event
        }
        What::Migrated {
            node,
            kept,
            moved,
            dropped,
        } => {
            let (title, one, many) = if node.is_empty() {
                ("Existing sessions".to_owned(), "session", "sessions")
            } else {
                (format!("State of {node}"), "write", "writes")
            };
            let mut event = Event::new(at, Icon::Export, "moved", title);
            for (count, word) in [(*kept, "kept"), (*moved, "moved")] {
                if count > 0 {
                    let text = format!("{} {word}.", format::counted(count, one, many));
                    event.detail.push(Span::plain(text));
                }
            }
            if *dropped > 0 {
                let text = format!("{} dropped.", format::counted(*dropped, one, many));
                event.detail.push(Span::lost(text));
                event.lost = true;
            }
            if event.detail.is_empty() {
                event.detail.push(Span::plain("There was none yet."));
            }
            event.only_logged()
        }
    }
}

/// What the scenario holds ready: a few words beside its mark, and when as a sentence.
pub fn scheduled(timed: &Timed) -> Event {
    let (icon, label) = imperative(timed.command());
    let title = match timed {
        Timed::At(..) => capitalised(&label),
        Timed::Between(from, to, _) => format!(
            "{} at a random instant from {} to {}",
            capitalised(&label),
            format::instant(*from),
            format::instant(*to)
        ),
    };
    Event::new(timed.earliest(), icon, label, title)
}

/// Icon and words for doing it: "crash api 2".
pub fn imperative(command: &Command) -> (Icon, String) {
    match command {
        Command::Crash(node, instance) => (Icon::Cross, format!("crash {node} {instance}")),
        Command::LoseMachine(node, instance) => {
            (Icon::Bolt, format!("lose machine of {node} {instance}"))
        }
        Command::Hang(node, instance) => (Icon::Pause, format!("hang {node} {instance}")),
        Command::Resume(node, instance) => (Icon::Play, format!("resume {node} {instance}")),
        Command::Restart(node, instance) => (Icon::Restart, format!("restart {node} {instance}")),
        Command::Failover(node) => (Icon::Restart, format!("fail over {node}")),
        Command::ForceFailover(node) => (Icon::Bolt, format!("force failover of {node}")),
        Command::Deploy(node, Stop::Drained) => (Icon::Deploy, format!("deploy {node}")),
        Command::Deploy(node, Stop::Abrupt) => (Icon::Deploy, format!("deploy {node} abruptly")),
        Command::AddInstances(node, count) => (Icon::Plus, format!("{node} +{count}")),
        Command::RemoveInstances(node, count) => (Icon::Minus, format!("{node} \u{2212}{count}")),
        Command::Set(path, value) => (
            Icon::Settings,
            change(path, value).unwrap_or_else(|| format!("{} {}", setting(path), short(value))),
        ),
        Command::Add(name, _) => (Icon::Plus, format!("add {name}")),
        Command::Remove(name) => (Icon::Minus, format!("remove {name}")),
        Command::Link(path) => (Icon::Link, format!("link {}", spoken::link(path))),
        Command::Unlink(path) => (Icon::Link, format!("unlink {}", spoken::link(path))),
        Command::SlowInstance(node, n, factor) => {
            let times = format::times(*factor);
            (Icon::Clock, format!("slow {node} {n} down {times} times"))
        }
        Command::LoseZone(zone) => (Icon::Bolt, format!("lose zone {zone}")),
        Command::Cut(sides) => (Icon::Cut, format!("cut {}", sides.between())),
        Command::CutOneWay(sides) => (Icon::CutOneWay, format!("cut {}", sides.one_way())),
        Command::Slow(sides, factor) => (
            Icon::Clock,
            format!(
                "slow down {} times {}",
                format::times(*factor),
                sides.between()
            ),
        ),
        Command::Lose(sides, share) => (
            Icon::Lossy,
            format!("lose {} {}", format::given(share.0), sides.between()),
        ),
        Command::Heal(sides) => (Icon::Check, format!("heal {}", sides.between())),
        Command::ReplaceSigningKey => (Icon::Bolt, "replace signing key".to_owned()),
        Command::RotateKeys(overlap) => (
            Icon::Bolt,
            format!(
                "rotate signing keys, the old one good for {}",
                format::span(*overlap)
            ),
        ),
    }
}

/// The same as done: "api 2 crashed".
pub fn past(command: &Command) -> String {
    match command {
        Command::Crash(node, instance) => format!("{node} {instance} crashed"),
        Command::LoseMachine(node, instance) => format!("{node} {instance} lost its machine"),
        Command::Hang(node, instance) => format!("{node} {instance} hangs"),
        Command::Resume(node, instance) => format!("{node} {instance} goes on"),
        Command::Restart(node, instance) => format!("{node} {instance} is started again"),
        Command::Failover(node) => format!("{node} fails over"),
        Command::ForceFailover(node) => format!("{node} is forced to fail over"),
        Command::Deploy(node, Stop::Drained) => format!("{node} is deployed"),
        Command::Deploy(node, Stop::Abrupt) => format!("{node} is deployed abruptly"),
        Command::AddInstances(node, count) => {
            let what = format::counted(u64::from(*count), "instance", "instances");
            format!("{node} gets {what} more")
        }
        Command::RemoveInstances(node, count) => {
            let what = format::counted(u64::from(*count), "instance", "instances");
            format!("{node} gives up {what}")
        }
        Command::Set(path, value) => change(path, value).map_or_else(
            || format!("{} set to {}", setting(path), short(value)),
            |text| {
                if path == "sessions" {
                    capitalised(&text)
                } else {
                    text
                }
            },
        ),
        Command::Add(name, _) => format!("{name} added"),
        Command::Remove(name) => format!("{name} removed"),
        Command::Link(path) => format!("{} linked", spoken::link(path)),
        Command::Unlink(path) => format!("{} unlinked", spoken::link(path)),
        Command::SlowInstance(node, n, factor) => {
            format!("{node} {n} works {} times slower", format::times(*factor))
        }
        Command::LoseZone(zone) => format!("Zone {zone} lost its machines"),
        Command::Cut(sides) => format!("Cut {}", sides.between()),
        Command::CutOneWay(sides) => format!("Cut {}", sides.one_way()),
        Command::Slow(sides, factor) => format!(
            "{} times slower {}",
            format::times(*factor),
            sides.between()
        ),
        Command::Lose(sides, share) => format!(
            "{} of messages lost {}",
            format::given(share.0),
            sides.between()
        ),
        Command::Heal(sides) => format!("Healed {}", sides.between()),
        Command::ReplaceSigningKey => "Signing key replaced".to_owned(),
        Command::RotateKeys(overlap) => format!(
            "Signing keys rotated, the old one good for {}",
            format::span(*overlap)
        ),
    }
}

/// What a fault has cost so far: losses first, then how it was noticed, then who met it.
fn cost(fault: &FaultView, detected: bool) -> Vec<Span> {
    let mut parts: Vec<Span> = losses(fault.lost_writes, fault.lost_sessions)
        .into_iter()
        .collect();
    if let Some(why) = fault.called_off {
        parts.push(Span::plain(format!("Called off: {why}.")));
    }
    if detected && let Some(after) = fault.detected {
        parts.push(Span::plain(format!(
            "Found dead after {}.",
            format::span(after)
        )));
    }
    let found = !parts.is_empty();
    parts.extend(did(fault));
    if parts.is_empty() && !fault.command.is_change() {
        parts.push(Span::plain("Nothing lost so far."));
    }
    if found && fault.saved_by_retry > 0 {
        let saved = format::grouped(fault.saved_by_retry);
        parts.push(Span::plain(format!("{saved} saved by a retry.")));
    }
    parts
}

/// What differs from the same run without it: "Caused 381 failed operations." "Recovered after 4.7 s."
fn did(fault: &FaultView) -> Vec<Span> {
    let mut parts = Vec::new();
    match fault.caused {
        Some(n) if n > 0 => {
            let operations = format::counted(n as u64, "failed operation", "failed operations");
            parts.push(Span::failed(format!("Caused {operations}.")));
        }
        Some(n) if n < 0 => {
            let failures = format::counted(n.unsigned_abs(), "failure", "failures");
            parts.push(Span::plain(format!("Spared {failures}.")));
        }
        _ => {}
    }
    let harmless = fault.caused == Some(0) && fault.lost_writes == 0 && fault.lost_sessions == 0;
    let recovery = match fault.recovery {
        Some(Recovery::After(Duration(0))) if harmless => "Harmed nobody.".to_owned(),
        Some(Recovery::After(Duration(0))) => "Never down.".to_owned(),
        Some(Recovery::After(after)) => format!("Recovered after {}.", format::span(after)),
        Some(Recovery::NotByTheEnd) => "Not recovered by the end.".to_owned(),
        Some(Recovery::NotWatchedToTheEnd) => {
            "Not watched to the end: later faults took its place.".to_owned()
        }
        Some(Recovery::NoTwin) => "Too large a system for a second run without it.".to_owned(),
        Some(Recovery::Watching | Recovery::TooNearTheEnd) | None => return parts,
    };
    parts.push(Span::plain(recovery));
    parts
}

/// "512 sessions and 49 acknowledged writes lost."
pub fn losses(writes: u64, sessions: u64) -> Option<Span> {
    let writes_text = acknowledged(&format::counted(writes, "write", "writes"));
    let sessions_text = format::counted(sessions, "session", "sessions");
    let text = match (sessions, writes) {
        (0, 0) => return None,
        (_, 0) => format!("{sessions_text} lost."),
        (0, _) => format!("{writes_text} lost."),
        _ => format!("{sessions_text} and {writes_text} lost."),
    };
    Some(Span::lost(text))
}

/// "49 writes" to "49 acknowledged writes".
fn acknowledged(writes: &str) -> String {
    writes.replacen(' ', " acknowledged ", 1)
}

/// "510 operations met it: 381 failed, 129 saved by a retry."
fn met(fault: &FaultView) -> Vec<Span> {
    let (failed, saved) = (fault.failed_met, fault.saved_by_retry);
    if failed + saved == 0 {
        return Vec::new();
    }
    let all = format::counted(failed + saved, "operation", "operations");
    let mut parts = vec![Span::plain(format!("{all} met it:"))];
    if failed > 0 {
        let stop = if saved > 0 { "," } else { "." };
        parts.push(Span::failed(format!(
            "{} failed{stop}",
            format::grouped(failed)
        )));
    }
    if saved > 0 {
        let text = format!("{} saved by a retry.", format::grouped(saved));
        parts.push(Span::plain(text));
    }
    parts
}

/// A change of a toggle or of links in words, if it is one: "api keeps state on local disk", "lb → api now lb → search".
fn change(path: &str, value: &str) -> Option<String> {
    if path == "links" {
        return Some("links changed".to_owned());
    }
    if let Some(old) = path
        .strip_prefix("links.")
        .and_then(|path| path.strip_suffix(".path"))
    {
        let new = spoken::link(value.trim().trim_matches('"'));
        return Some(format!("{} now {new}", spoken::link(old)));
    }
    let name: String = value
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .collect();
    if path == "sessions" {
        let how = match name.as_str() {
            "None" => return Some("no sessions".to_owned()),
            "Jwt" => "in tokens",
            "ServerSide" => "in a store",
            _ => "in memory",
        };
        return Some(format!("sessions kept {how}"));
    }
    let service = path.strip_prefix("nodes.")?.strip_suffix(".state")?;
    let how = match name.as_str() {
        "Stateless" => return Some(format!("{service} keeps no state")),
        "InMemory" => "in memory",
        "LocalDisk" => "on local disk",
        "LocalDatabase" => "in a local database",
        _ => "in a store",
    };
    Some(format!("{service} keeps state {how}"))
}

/// A path as words: "nodes.api.service_time" is "api service time".
fn setting(path: &str) -> String {
    let path = path.strip_prefix("nodes.").unwrap_or(path);
    match path.strip_prefix("links.") {
        Some(path) => spoken::link(&words(&path.replace('.', " "))),
        None => words(&path.replace('.', " ")),
    }
}

/// A value as short as it can be told.
fn short(value: &str) -> String {
    let value = value.trim().trim_matches('"');
    let name: String = value.chars().take_while(|&c| c != '(').collect();
    let text = if name.is_empty() { value } else { &name };
    if text.chars().count() > 24 {
        text.chars().take(23).chain(['…']).collect()
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::Sample;

    #[test]
    fn a_crash_is_told_with_its_cost() {
        let sample = Sample::new();
        let told: Vec<String> = sample
            .history
            .happenings()
            .map(|h| happened(h, &sample.snapshot).sentence())
            .collect();
        assert_eq!(
            told[2],
            "api 2 crashed: 512 sessions and 49 acknowledged writes lost. Found dead after 5.1 s. \
             Caused 381 failed operations. 129 saved by a retry."
        );
        assert_eq!(
            told[3],
            "api 2 found dead after 5.1 s: 510 operations met it: 381 failed, 129 saved by a retry."
        );
        assert_eq!(told[0], "api instances set to 4");
        let set = |path: &str, value: &str| past(&Command::Set(path.into(), value.into()));
        assert_eq!(
            set("sessions", "ServerSide(store:\"store\")"),
            "Sessions kept in a store"
        );
        let idle = Happening {
            id: 9,
            at: Duration(0),
            what: What::NoEffect {
                command: Command::Restart("api".into(), 2),
                why: "it runs already".into(),
            },
        };
        assert_eq!(
            happened(&idle, &sample.snapshot).sentence(),
            "Restart api 2: no effect, it runs already."
        );
        assert_eq!(
            set("nodes.api.state", "LocalDisk()"),
            "api keeps state on local disk"
        );
    }

    #[test]
    fn names_become_words() {
        assert_eq!(words("snapshot_every"), "snapshot every");
        assert_eq!(words("ReplaceSigningKey"), "Replace signing key");
        assert_eq!(capitalised("snapshot every"), "Snapshot every");
        assert_eq!(short("LogNormal(mean: \"5ms\")"), "LogNormal");
        assert_eq!(short("\"5s\""), "5s");
    }
}
