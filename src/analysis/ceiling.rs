//! A bound on what a simulation may hold, and what is said when it is reached.
//!
//! A backlog that grows without end would eat all memory, however much there is. What a simulation takes is counted from
//! its own tables, so that the same run stops at the same event on every machine.

use super::track::Track;
use crate::model::state::State;
use crate::model::{Node, Sessions, Topology};
use crate::sim::Sim;
use crate::sim::backlog::Place;
use crate::sim::size::{Held, Holder};
use crate::units::{Bytes, Duration};

/// The ceiling where nothing else is said.
pub const DEFAULT_MEMORY: Bytes = Bytes(4 << 30);
/// Most that a ceiling may be: beyond it the simulator's numbers of what is in flight would not do.
pub const MOST_MEMORY: Bytes = Bytes(32 << 30);
/// Events between two looks: a small part of the time that they take.
pub const EVENTS_BETWEEN_LOOKS: u64 = 4096;
/// Sizes that are remembered, to tell since when it grows.
const SAMPLES: usize = 128;

/// Watches one simulation.
#[derive(Clone, Debug)]
pub struct Ceiling {
    most: Bytes,
    /// What was under way or unsettled when, in bytes; thinned out as the run goes on.
    samples: Vec<(Duration, u64)>,
    /// Looks between two samples, and since the last.
    between: u32,
    since: u32,
}

impl Ceiling {
    /// A simulation may take so much.
    pub fn new(most: Bytes) -> Self {
        Self {
            most,
            samples: Vec::new(),
            between: 1,
            since: 0,
        }
    }

    /// Looks whether the simulation, with its twins, has reached it; the sentences say what holds the memory, since when that grows, and
    /// what to change. To be called every [`EVENTS_BETWEEN_LOOKS`] events, so that the answer is the same everywhere.
    pub fn look(&mut self, track: &Track) -> Option<String> {
        let sim = track.sim();
        self.since += 1;
        if self.since >= self.between {
            self.since = 0;
            if self.samples.len() == SAMPLES {
                let mut odd = false;
                self.samples.retain(|_| {
                    odd = !odd;
                    odd
                });
                self.between = self.between.saturating_mul(2);
            }
            self.samples.push((sim.now(), growing(sim)));
        }
        if (track.size() as u64) < self.most.0 {
            return None;
        }
        self.samples.push((sim.now(), growing(sim)));
        Some(self.sentence(sim))
    }

    fn sentence(&self, sim: &Sim) -> String {
        let (what, advice, grows) = words(sim);
        let since = match grows_since(&self.samples) {
            Some(since) if grows => {
                format!("; this grows since about {} s", rounded(since.secs()))
            }
            _ => String::new(),
        };
        let most = self.most;
        format!("it would take more than {most} of memory: {what}{since}. {advice}")
    }
}

/// About how many bytes come and go as the run goes on, without the room that growing tables keep.
fn growing(sim: &Sim) -> u64 {
    const STRETCH: u64 = 40;
    sim.held_by()
        .iter()
        .map(|held| match held.holder {
            Holder::Node(_) | Holder::Link(_) => held.bytes as u64,
            Holder::Writes(_) => STRETCH * held.count,
            Holder::Users | Holder::Keys | Holder::Rest => 0,
        })
        .sum()
}

/// What holds most of the memory, what to change, and whether it is something that grows.
fn words(sim: &Sim) -> (String, String, bool) {
    let held = sim.held_by();
    let all: usize = held.iter().map(|held| held.bytes).sum();
    // The rest is in part the room that growing tables keep for more of what fills them.
    let named = |held: &&Held| held.holder != Holder::Rest && held.bytes > all / 10;
    let Some(most) = held.iter().find(named).or(held.first()) else {
        return (String::new(), String::new(), false);
    };
    let n = thousands(most.count);
    match &most.holder {
        Holder::Node(_) | Holder::Link(_) => {
            let backlogs = sim.backlogs();
            let (what, advice) = backlogs
                .first()
                .map(|(place, count)| backlog_words(place, *count, sim.topology()))
                .unwrap_or_default();
            (what, advice, true)
        }
        Holder::Writes(name) if !has_copies(name, sim.topology()) => (
            format!("{n} keys and stretches of writes that `{name}` keeps"),
            "Have fewer keys or instances, or write less".to_owned(),
            true,
        ),
        Holder::Writes(name) => (
            format!("{n} keys and stretches of writes that copies of `{name}` hold or lack"),
            format!(
                "Let the copies of `{name}` follow sooner, have fewer keys or instances, or write less"
            ),
            true,
        ),
        Holder::Users => (
            format!("{n} users, with their sessions and cookies"),
            "Lower `users`, or have fewer load balancers with cookies".to_owned(),
            false,
        ),
        Holder::Keys => (
            format!("{n} keys"),
            "Lower `keys` or `keys_per_user`".to_owned(),
            false,
        ),
        Holder::Rest => (
            "instances, figures and what is remembered of the last seconds".to_owned(),
            "Lower `instances`, or offer less".to_owned(),
            false,
        ),
    }
}

/// Whether instances of a node hold copies of what others of it keep.
fn has_copies(name: &str, topology: &Topology) -> bool {
    let of_state = match topology.nodes.get(name) {
        Some(Node::Service(service)) => match &service.state {
            State::InMemory(memory) => memory.replication.replicas(),
            _ => 0,
        },
        Some(Node::RedisLike(store)) => store.replication.replicas(),
        Some(Node::SqlDatabase(store)) => store.replication.replicas(),
        _ => 0,
    };
    let of_sessions = match &topology.sessions {
        Sessions::InMemory(sessions) => sessions.replication.replicas(),
        _ => 0,
    };
    of_state + of_sessions > 0
}

/// A backlog, and what to change.
fn backlog_words(place: &Place, count: u64, topology: &Topology) -> (String, String) {
    let n = thousands(count);
    match place {
        Place::Queue(name) => (
            format!("{n} requests wait for `{name}`"),
            match topology.nodes.get(name) {
                Some(Node::RedisLike(_)) => format!(
                    "`{name}` works on one at a time: make its command_time shorter, offer less, or let a service before it limit how many wait"
                ),
                Some(node) if node.is_store() => format!(
                    "Give `{name}` more connections or shorter times, offer less, or let a service before it limit how many wait"
                ),
                _ => format!(
                    "Limit its queue (nodes.{name}.queue), give it more workers or instances, or offer less"
                ),
            },
        ),
        Place::Hung(name, number) => (
            format!("{n} requests wait at instance {number} of `{name}`, which hangs"),
            "Resume or restart it sooner, or let health checks find it".to_owned(),
        ),
        Place::Served(name) => (
            format!("`{name}` works on {n} requests at the same time"),
            format!(
                "Make the times of `{name}` shorter, bound how many it works on, or offer less"
            ),
        ),
        Place::Link(from, to) => (
            format!("{n} messages are on their way between `{from}` and `{to}`"),
            format!(
                "Give the link less latency or more bandwidth (links.{from}->{to}), or offer less"
            ),
        ),
        Place::Clients(name) => (
            format!("{n} operations of `{name}` wait for a retry or a login"),
            "Allow fewer retries or shorter waits between them, or offer less".to_owned(),
        ),
    }
}

/// Since when it grows: the best fit of a level that turns into a straight rise, by least squares.
fn grows_since(samples: &[(Duration, u64)]) -> Option<Duration> {
    let (&(end, last), _) = samples.split_last()?;
    let fit = |turn: usize| {
        let (before, after) = samples.split_at(turn);
        let level = match before.len() {
            0 => samples[0].1 as f64,
            n => before.iter().map(|sample| sample.1 as f64).sum::<f64>() / n as f64,
        };
        let from = samples[turn].0.secs();
        let slope = (last as f64 - level) / (end.secs() - from).max(1e-9);
        let off = |(at, size): &(Duration, u64), line: f64| {
            let rise = line * (at.secs() - from);
            (*size as f64 - level - rise) * (*size as f64 - level - rise)
        };
        let level_off: f64 = before.iter().map(|sample| off(sample, 0.0)).sum();
        level_off + after.iter().map(|sample| off(sample, slope)).sum::<f64>()
    };
    let turn = (0..samples.len().saturating_sub(1)).min_by(|&a, &b| fit(a).total_cmp(&fit(b)))?;
    Some(samples[turn].0)
}

/// A number of seconds with two digits that count.
fn rounded(seconds: f64) -> String {
    match seconds {
        s if s < 0.01 => "0".to_owned(),
        s if s < 1.0 => format!("{s:.2}"),
        s if s < 10.0 => format!("{s:.1}"),
        s => format!("{s:.0}"),
    }
}

fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_turn_from_level_to_rise_is_found() {
        let at = |s: u64| Duration::from_secs(s as f64);
        // Level with some noise until 40 s, then a rise.
        let samples: Vec<(Duration, u64)> = (0..100)
            .map(|s| (at(s), 1000 + 7 * (s % 3) + 500 * s.saturating_sub(40)))
            .collect();
        let found = grows_since(&samples).unwrap().secs();
        assert!((38.0..=42.0).contains(&found), "{found}");
        let from_the_start: Vec<(Duration, u64)> = (0..100).map(|s| (at(s), 10 + 70 * s)).collect();
        assert_eq!(grows_since(&from_the_start), Some(Duration(0)));
    }

    #[test]
    fn numbers_are_readable() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(rounded(0.001), "0");
        assert_eq!(rounded(23.44), "23");
        assert_eq!(rounded(2.345), "2.3");
    }
}
