//! What goes on without a command: overload, and sessions lost though nothing failed.
//!
//! Found from outside, by comparing what the running system shows of itself a few seconds of its time apart.

use std::collections::VecDeque;

use crate::app::icons::Icon;
use crate::app::words::Span;
use crate::app::words::events::Event;
use crate::app::words::format;
use crate::model::{Node, Renaming, Topology};
use crate::sim::snapshot::{Cause, NodeKind, Snapshot};
use crate::units::{Duration, SECOND};

/// Looked at once in this much simulated time.
const STEP: u64 = SECOND;
/// Compared with what was at least this long ago.
const WINDOW: u64 = 3 * SECOND;
/// Overload begins where so many operations ended in the window, this share of them in failure, while something was busy
/// this share of its time; it ends below the second share.
const ENDED: u64 = 20;
const FAILING: [f64; 2] = [0.1, 0.02];
const BUSY: f64 = 0.95;
/// A cause explains an overload that makes up this much of it.
const EXPLAINS: f64 = 0.5;
/// As many notices are kept of a run.
const MOST: usize = 200;

/// Something that goes on or went on.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Since when.
    pub at: Duration,
    /// Until when; `None`: still.
    pub until: Option<Duration>,
    /// The last happening before it, by its number.
    pub after: u64,
    /// What.
    pub about: About,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq)]
pub enum About {
    /// A node has more to do than it can.
    Saturated(Saturated),
    /// Sessions are lost without a fault: requests reach instances that do not have them.
    Misrouted(u64),
}

/// An overload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Saturated {
    /// Where the work piles up.
    pub node: String,
    /// Share of the operations that fail, at its worst or now.
    pub share: f64,
    /// Operations that have failed since it began.
    pub failed: u64,
    /// Why most of them fail, in words that follow "because".
    because: String,
    /// Whether that is why most of them do, or only many.
    most: bool,
    /// Why there is so much to do, in a sentence, where one cause explains it.
    pub why: Option<String>,
}

/// The notices of a run.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    list: VecDeque<Notice>,
    samples: VecDeque<Sample>,
    changes: u64,
}

/// What is compared.
#[derive(Clone, Debug, Default)]
struct Sample {
    now: u64,
    ended: u64,
    offered: u64,
    attempts: u64,
    failed: u64,
    by_cause: [u64; 10],
    nodes: Vec<NodeSample>,
    misrouted: u64,
}

#[derive(Clone, Debug, Default)]
struct NodeSample {
    name: String,
    busy: u128,
    capacity: u128,
    logins: u128,
}

impl Sample {
    fn of(snapshot: &Snapshot) -> Self {
        let operations = &snapshot.operations;
        let booked: u64 = snapshot.faults.iter().map(|f| f.lost_sessions).sum();
        Self {
            now: snapshot.now.0,
            ended: operations.completed + operations.failed,
            offered: operations.offered,
            attempts: operations.attempts,
            failed: operations.failed,
            by_cause: operations.by_cause,
            nodes: snapshot
                .nodes
                .iter()
                .map(|node| NodeSample {
                    name: node.name.clone(),
                    busy: node.busy_ns,
                    capacity: node.capacity_ns,
                    logins: node.login_ns,
                })
                .collect(),
            misrouted: snapshot.sessions.lost.saturating_sub(booked),
        }
    }

    /// What a node did since a sample before: the time its workers were held, could have been, and were held by logins.
    fn node(&self, before: &Self, name: &str) -> Option<[f64; 3]> {
        let of = |sample: &Self| sample.nodes.iter().find(|n| n.name == name).cloned();
        let (now, before) = (of(self)?, of(before).unwrap_or_default());
        let since = |now: u128, before: u128| now.saturating_sub(before) as f64;
        Some([
            since(now.busy, before.busy),
            since(now.capacity, before.capacity),
            since(now.logins, before.logins),
        ])
    }
}

impl Notices {
    /// Takes in the latest snapshot.
    pub fn update(&mut self, snapshot: &Snapshot, topology: &Topology) {
        let now = snapshot.now.0;
        let last = self.samples.back().map_or(0, |sample| sample.now);
        if now < last {
            self.clear();
        }
        if self.samples.is_empty() {
            self.samples.push_back(Sample::of(snapshot));
            return;
        }
        if now < last.saturating_add(STEP) {
            return;
        }
        let sample = Sample::of(snapshot);
        // What is compared with lies far enough back, but no further than it must.
        while self.samples.len() > 1 && self.samples[1].now.saturating_add(WINDOW) <= now {
            self.samples.pop_front();
        }
        let before = self.samples[0].clone();
        if before.now.saturating_add(WINDOW) <= now {
            self.look_for_overload(snapshot, topology, &before, &sample);
        }
        self.look_for_losses(snapshot, &before, &sample);
        self.samples.push_back(sample);
        while self.list.len() > MOST {
            self.list.pop_front();
        }
    }

    /// Nodes have other names from now on, also in what was before.
    pub fn rename(&mut self, names: &Renaming) {
        for sample in &mut self.samples {
            for node in &mut sample.nodes {
                names.name(&mut node.name);
            }
        }
        for notice in &mut self.list {
            if let About::Saturated(saturated) = &mut notice.about {
                names.name(&mut saturated.node);
            }
        }
        self.changes += 1;
    }

    /// Forgets everything, for a new run.
    pub fn clear(&mut self) {
        *self = Self {
            changes: self.changes + 1,
            ..Self::default()
        };
    }

    /// All of this run, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Notice> {
        self.list.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Another number whenever one came, changed or was forgotten.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// The overload that goes on now.
    pub fn overload(&self) -> Option<&Notice> {
        self.list
            .iter()
            .rev()
            .find(|notice| notice.until.is_none() && matches!(notice.about, About::Saturated(_)))
    }

    fn going_on(&mut self, is: impl Fn(&About) -> bool) -> Option<&mut Notice> {
        let mut list = self.list.iter_mut().rev();
        list.find(|notice| notice.until.is_none() && is(&notice.about))
    }

    fn add(&mut self, snapshot: &Snapshot, at: u64, about: About) {
        let before = |happening: &&crate::sim::snapshot::Happening| happening.at.0 <= at;
        let after = snapshot.happenings.iter().rev().find(before);
        self.changes += 1;
        self.list.push_back(Notice {
            at: Duration(at),
            until: None,
            after: after.map_or(0, |happening| happening.id),
            about,
        });
    }

    fn look_for_overload(
        &mut self,
        snapshot: &Snapshot,
        topology: &Topology,
        before: &Sample,
        now: &Sample,
    ) {
        let ended = now.ended.saturating_sub(before.ended);
        let failed = now.failed.saturating_sub(before.failed);
        let share = failed as f64 / ended.max(1) as f64;
        let node = bottleneck(snapshot, before, now);
        let last = self.samples.back().map_or(0, |sample| sample.failed);
        let going_on = self.going_on(|about| matches!(about, About::Saturated(_)));
        let floor = FAILING[usize::from(going_on.is_some())];
        let found = node.filter(|_| ended >= ENDED && share >= floor);
        match (going_on, found) {
            (None, None) => {}
            (Some(notice), None) => {
                notice.until = Some(Duration(now.now));
                self.changes += 1;
            }
            (None, Some(node)) => {
                let mut saturated = told(snapshot, &node, before, now);
                saturated.share = share;
                saturated.failed = failed;
                saturated.why = why(snapshot, topology, &node, before, now);
                self.add(snapshot, before.now, About::Saturated(saturated));
            }
            (Some(notice), Some(node)) => {
                let why = why(snapshot, topology, &node, before, now);
                let About::Saturated(known) = &mut notice.about else {
                    return;
                };
                *known = Saturated {
                    share,
                    failed: known.failed + now.failed.saturating_sub(last),
                    // What explained its beginning explains it, if nothing else does.
                    why: why.or(known.why.take()),
                    ..told(snapshot, &node, before, now)
                };
                self.changes += 1;
            }
        }
    }

    fn look_for_losses(&mut self, snapshot: &Snapshot, before: &Sample, now: &Sample) {
        let last = self.samples.back().map_or(0, |sample| sample.misrouted);
        let lost = now.misrouted.saturating_sub(last);
        let since = now.misrouted.saturating_sub(before.misrouted);
        match self.going_on(|about| matches!(about, About::Misrouted(_))) {
            Some(notice) => {
                if let About::Misrouted(count) = &mut notice.about {
                    *count += lost;
                }
                if since == 0 {
                    notice.until = Some(Duration(now.now));
                }
                if lost > 0 || since == 0 {
                    self.changes += 1;
                }
            }
            None if lost > 0 => self.add(snapshot, now.now, About::Misrouted(lost)),
            None => {}
        }
    }
}

/// The node that is busy all the time and waits for no other that is.
fn bottleneck(snapshot: &Snapshot, before: &Sample, now: &Sample) -> Option<String> {
    let busy = |name: &str| {
        let [held, available, _] = now.node(before, name)?;
        (available > 0.0 && held / available >= BUSY).then_some(())
    };
    let candidates = snapshot.nodes.iter().filter(|node| {
        !matches!(node.kind, NodeKind::Clients | NodeKind::LoadBalancer)
            && busy(&node.name).is_some()
    });
    let mut waits_for_none = candidates.filter(|node| {
        let mut links = snapshot.links.iter();
        !links.any(|link| link.from == node.name && busy(&link.to).is_some())
    });
    waits_for_none.next().map(|node| node.name.clone())
}

/// How it is told that most operations fail.
fn told(snapshot: &Snapshot, node: &str, before: &Sample, now: &Sample) -> Saturated {
    let mut causes: Vec<(u64, Cause)> = Cause::ALL
        .into_iter()
        .enumerate()
        .map(|(i, cause)| (now.by_cause[i].saturating_sub(before.by_cause[i]), cause))
        .collect();
    let all: u64 = causes.iter().map(|(count, _)| count).sum();
    causes.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let (count, cause) = causes[0];
    let full = snapshot.nodes.iter().find(|other| {
        let full = |i: &crate::sim::snapshot::InstanceView| {
            i.queue_limit.is_some_and(|limit| i.queue >= limit)
        };
        other.instances.iter().any(full)
    });
    let because = match (cause, full) {
        (Cause::QueueFull, Some(full)) if full.name != node => {
            format!("the queue of {} is full", full.name)
        }
        (Cause::QueueFull, _) => "its queue is full".to_owned(),
        (Cause::Timeout, _) => "answers come too late".to_owned(),
        (Cause::ConnectTimeout, _) => "connections are not accepted in time".to_owned(),
        (Cause::Refused, _) => "connections are refused".to_owned(),
        (Cause::Reset, _) => "connections break".to_owned(),
        (Cause::NoInstance, _) => "the balancer has no instance left".to_owned(),
        (Cause::StoreUnavailable, _) => "a store does not answer in time".to_owned(),
        (Cause::Unauthorized, _) => "sessions are not accepted".to_owned(),
        (Cause::HeaderTooLarge, _) => "tokens are larger than a server takes".to_owned(),
        (Cause::Error, _) => "a service fails".to_owned(),
    };
    Saturated {
        node: node.to_owned(),
        because,
        most: 2 * count >= all,
        ..Saturated::default()
    }
}

/// Why there is so much to do, if exactly one known cause explains it.
fn why(
    snapshot: &Snapshot,
    topology: &Topology,
    name: &str,
    before: &Sample,
    now: &Sample,
) -> Option<String> {
    let mut causes = Vec::new();
    if let (Some([held, _, logins]), Some(Node::Service(service))) =
        (now.node(before, name), topology.nodes.get(name))
        && held > 0.0
        && logins / held >= EXPLAINS
    {
        causes.push(format!(
            "People log in all at once: hashing their passwords, {} each, takes {} of its workers' time",
            format::span(service.login_time),
            format::joined(format::percent((logins / held).min(1.0)))
        ));
    }
    if let Some(node) = snapshot.nodes.iter().find(|node| node.name == name) {
        let all = node.instances.len();
        let serving = node.instances.iter().filter(|i| i.status.serves()).count();
        let down = all - serving;
        if down as f64 >= EXPLAINS * all as f64 {
            causes.push(format!("Only {serving} of its {all} instances serve"));
        }
    }
    let offered = now.offered.saturating_sub(before.offered);
    let attempts = now.attempts.saturating_sub(before.attempts);
    let each = attempts as f64 / offered.max(1) as f64;
    if each >= 1.0 + EXPLAINS {
        causes.push(format!(
            "Clients try again: they make {} attempts for each operation",
            format::number(each)
        ));
    }
    match &causes[..] {
        [one] => Some(one.clone()),
        _ => None,
    }
}

impl Notice {
    /// In a sentence: "api is saturated: 45 % fail, most because its queue is full".
    pub fn sentence(&self) -> String {
        match &self.about {
            About::Saturated(it) => {
                let many = if it.most { "most" } else { "many" };
                match self.until {
                    None => format!(
                        "{} is saturated: {} fail, {many} because {}",
                        it.node,
                        format::joined(format::percent(it.share)),
                        it.because
                    ),
                    Some(until) => {
                        let failed = format::counted(it.failed, "operation", "operations");
                        let span = Duration(until.0.saturating_sub(self.at.0));
                        format!(
                            "{} was saturated for {}: {failed} failed",
                            it.node,
                            format::span(span)
                        )
                    }
                }
            }
            About::Misrouted(sessions) => format!(
                "{} lost without a fault",
                format::counted(*sessions, "session", "sessions")
            ),
        }
    }

    /// As a row of the log.
    pub fn event(&self) -> Event {
        let (detail, lost) = match &self.about {
            About::Saturated(it) => (it.why.iter().map(|why| format!("{why}.")).collect(), false),
            About::Misrouted(_) => (
                vec![
                    "Requests reached instances that do not have them: they were answered 401."
                        .to_owned(),
                ],
                true,
            ),
        };
        Event {
            at: self.at,
            icon: Icon::Warning,
            label: String::new(),
            title: self.sentence(),
            detail: detail.into_iter().map(Span::plain).collect(),
            lost,
            marked: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::ron_options;
    use crate::sim::{Sim, Watch};

    fn notices(text: &str, seconds: u64) -> (Notices, Snapshot) {
        let topology: Topology = ron_options().from_str(text).unwrap();
        let mut sim = Sim::new(&topology, 1, Watch { live: false });
        let mut notices = Notices::default();
        for tenth in 0..=seconds * 10 {
            sim.run_until(Duration(tenth * SECOND / 10));
            notices.update(&sim.snapshot(), &topology);
        }
        (notices, sim.snapshot())
    }

    fn sentences(notices: &Notices) -> Vec<String> {
        notices
            .iter()
            .map(|notice| notice.event().sentence())
            .collect()
    }

    /// 200/s, which 80 workers of 500 ms could just do, and half of them are gone for a while: half of the operations fail.
    #[test]
    fn overload_begins_and_ends() {
        let text = r#"Topology(
            schema: 1,
            nodes: {
                "clients": Clients(arrivals: Steady("200/s"), retries: 0, timeout: Some("10s"), mix: (read: 1)),
                "api": Service(instances: 1, workers: 4, service_time: Constant("40ms"), queue: Limit(16)),
            },
            links: ["clients -> api"],
            scenario: [At("20s", Set("nodes.api.workers", "16"))],
        )"#;
        let (notices, _) = notices(text, 18);
        let told = sentences(&notices);
        assert_eq!(told.len(), 1, "{told:?}");
        // Four workers of 40 ms do 100/s of the 200/s.
        let shown = told[0].strip_prefix("api is saturated: ").unwrap();
        let (share, rest) = shown.split_once(" % fail, ").unwrap();
        let share: f64 = share.parse().unwrap();
        assert!((share - 50.0).abs() <= 2.0, "{told:?}");
        assert_eq!(rest, "most because its queue is full");
        assert!(notices.overload().is_some());

        let (notices, end) = super::tests::notices(text, 40);
        let told = sentences(&notices);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(notices.overload().is_none());
        let failed = end.operations.failed;
        let words = format!("{} operations failed", format::grouped(failed));
        assert!(
            told[0].contains("api was saturated for 2") && told[0].contains(&words),
            "{told:?}"
        );
    }

    #[test]
    fn a_calm_system_and_a_crash_that_it_bears_are_no_overload() {
        let text = r#"Topology(
            schema: 1,
            nodes: {
                "clients": Clients(arrivals: Poisson("200/s"), mix: (read: 1)),
                "lb": LoadBalancer(),
                "api": Service(instances: 4, workers: 8, service_time: Constant("20ms")),
            },
            links: ["clients -> lb", "lb -> api"],
            scenario: [At("10s", Crash("api", 2))],
        )"#;
        let (notices, _) = notices(text, 30);
        assert!(notices.is_empty(), "{:?}", sentences(&notices));
    }

    #[test]
    fn logins_all_at_once_are_named_as_the_cause() {
        let preset = crate::model::presets::find("jwt-sessions").unwrap();
        let mut topology = crate::model::file::read(preset.text, preset.name).unwrap();
        // 400 logins a second of 100 ms each want 40 workers; there are 16.
        for (path, value) in [
            ("nodes.api.workers", "4"),
            ("nodes.clients.users", "20000"),
            ("nodes.clients.signed_in", "false"),
        ] {
            topology.set_path(path, value).unwrap();
        }
        let text = crate::model::settings::to_ron(&topology);
        let (notices, _) = notices(&text, 15);
        let told = sentences(&notices);
        let told = told
            .iter()
            .find(|t| t.contains("is saturated"))
            .unwrap_or_else(|| panic!("{told:?}"));
        assert!(
            told.contains("People log in all at once: hashing their passwords, 100 ms each"),
            "{told}"
        );
    }
}
