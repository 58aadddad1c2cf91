//! Figures smoothed for reading.
//!
//! Every figure is a ratio of two sums in which the past fades exponentially: what was counted, over the simulated time
//! (or worker time) it was counted in. So the speed of the simulation does not matter, a pause holds the figures, and
//! the first moments after a reset already show the mean so far.

use crate::model::Renaming;
use crate::sim::snapshot::{CallCounts, LinkView, NodeView, OperationCounts, Snapshot};
use crate::units::Duration;

/// How fast the past fades: seconds of the reader's time.
const TIME_CONSTANT_S: f64 = 2.5;
/// In slow motion the past fades slower: figures over less simulated time than this would be noise.
const LEAST_SIMULATED_S: f64 = 0.25;
/// After so many time constants without anything counted a figure is 0: a twentieth of what it was at most is cut off.
const QUIET: f64 = 3.0;
/// Shown figures change this often, so that their texts keep their layout in between: seconds of the reader's time.
const REFRESH_S: f64 = 0.2;

/// Figures smoothed with a time constant of 2.5 s, built from successive snapshots only.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    seen: Seen,
    sums: Sums,
    shown: Shown,
    /// Reader's time of the last update, and of the last time that what is shown changed.
    updated_s: f64,
    shown_s: Option<f64>,
    stale: bool,
}

/// Operations a second, over the whole topology.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Wanted by users.
    pub offered: f64,
    /// Completed at the first attempt or after a retry.
    pub completed: f64,
    /// Of the completed ones, those that took a retry.
    pub retried: f64,
    /// Failed.
    pub failed: f64,
}

/// A node's figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeReading {
    /// Its name.
    pub name: String,
    /// Requests answered with success, per second.
    pub throughput: f64,
    /// Requests that failed here, per second.
    pub failed: f64,
    /// Share of the worker time available that is used, 0 to 1.
    pub utilisation: f64,
    /// Requests waiting.
    pub queue: f64,
    /// Requests at the node, waiting or served.
    pub in_flight: f64,
    /// Share of the reads at its caches that they answered, 0 to 1.
    pub hit_ratio: f64,
    /// Its instances, in the order of the snapshot.
    pub instances: Vec<InstanceReading>,
}

/// An instance's figures.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct InstanceReading {
    /// Its number, from 1.
    pub number: u32,
    /// Share of its workers that is held, 0 to 1.
    pub load: f64,
    /// Requests waiting.
    pub queue: f64,
}

/// A link's figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkReading {
    /// The calling node's name.
    pub from: String,
    /// The called node's name.
    pub to: String,
    /// By instance of the called node (index 0: instance 1).
    pub instances: Vec<CallRates>,
    /// Bytes a second, both ways.
    pub bytes: f64,
}

/// Calls a second, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CallRates {
    /// Answered with success at the first attempt.
    pub completed: f64,
    /// Answered with success, as a retry.
    pub retried: f64,
    /// Failed.
    pub failed: f64,
}

impl CallRates {
    /// Of every outcome.
    pub fn total(self) -> f64 {
        self.completed + self.retried + self.failed
    }
}

impl LinkReading {
    /// Over all instances.
    pub fn total(&self) -> CallRates {
        self.instances
            .iter()
            .fold(CallRates::default(), |sum, rates| CallRates {
                completed: sum.completed + rates.completed,
                retried: sum.retried + rates.retried,
                failed: sum.failed + rates.failed,
            })
    }
}

impl Readings {
    /// Takes in the latest snapshot; `real_seconds` is wall-clock time since the window opened.
    pub fn update(&mut self, snapshot: &Snapshot, real_seconds: f64) {
        if snapshot.now < self.seen.now {
            *self = Self {
                updated_s: real_seconds,
                ..Self::default()
            };
        }
        let simulated = Duration(snapshot.now.0 - self.seen.now.0).secs();
        let passed = (real_seconds - self.updated_s).max(0.0);
        self.updated_s = real_seconds;
        if simulated > 0.0 {
            let fading = (passed / TIME_CONSTANT_S).min(simulated / LEAST_SIMULATED_S);
            self.sums.add(&self.seen, snapshot, simulated, fading);
            self.stale = true;
        }
        self.seen = Seen::of(snapshot);
        let due = self
            .shown_s
            .is_none_or(|at| real_seconds - at >= REFRESH_S || real_seconds < at);
        let other = self.shown.differs_in_kind(snapshot);
        if self.stale && due || other {
            self.shown = self.sums.shown(snapshot);
            self.shown_s = Some(real_seconds);
            self.stale = false;
        }
    }

    /// The figures of every node, in the order of the snapshot.
    pub fn nodes(&self) -> &[NodeReading] {
        &self.shown.nodes
    }

    /// The figures of every link, in the order of the snapshot.
    pub fn links(&self) -> &[LinkReading] {
        &self.shown.links
    }

    /// The figures of a node; none before it has been seen.
    pub fn node(&self, name: &str) -> Option<&NodeReading> {
        self.shown.nodes.iter().find(|node| node.name == name)
    }

    /// The figures of a link; none before it has been seen.
    pub fn link(&self, from: &str, to: &str) -> Option<&LinkReading> {
        self.shown
            .links
            .iter()
            .find(|link| link.from == from && link.to == to)
    }

    /// Operations of the whole topology.
    pub fn totals(&self) -> Totals {
        self.shown.totals
    }
}

impl NodeReading {
    /// The figures of an instance.
    pub fn instance(&self, number: u32) -> Option<&InstanceReading> {
        self.instances.iter().find(|i| i.number == number)
    }
}

/// What of the last snapshot is needed to know what came since.
#[derive(Clone, Debug, Default)]
struct Seen {
    now: Duration,
    nodes: Vec<NodeView>,
    links: Vec<LinkView>,
    operations: OperationCounts,
}

impl Seen {
    fn of(snapshot: &Snapshot) -> Self {
        Self {
            now: snapshot.now,
            nodes: snapshot.nodes.clone(),
            links: snapshot.links.clone(),
            operations: snapshot.operations,
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Shown {
    totals: Totals,
    nodes: Vec<NodeReading>,
    links: Vec<LinkReading>,
}

impl Shown {
    /// Whether nodes, instances or links were added or removed, which cannot wait for the next refresh.
    fn differs_in_kind(&self, snapshot: &Snapshot) -> bool {
        self.nodes.len() != snapshot.nodes.len()
            || self.links.len() != snapshot.links.len()
            || self
                .nodes
                .iter()
                .zip(&snapshot.nodes)
                .any(|(a, b)| a.name != b.name || a.instances.len() != b.instances.len())
            || self
                .links
                .iter()
                .zip(&snapshot.links)
                .any(|(a, b)| a.from != b.from || a.to != b.to)
    }
}

/// A count and what it is measured against, both fading alike.
#[derive(Clone, Copy, Debug, Default)]
struct Fading {
    count: f64,
    over: f64,
    /// Time constants that have passed since anything was counted.
    quiet: f64,
}

impl Fading {
    fn add(&mut self, faded: f64, count: f64, over: f64) {
        let keep = libm::exp(-faded);
        self.count = self.count * keep + count;
        self.over = self.over * keep + over;
        self.quiet = if count > 0.0 { 0.0 } else { self.quiet + faded };
        if self.quiet > QUIET {
            self.count = 0.0;
        }
    }

    /// A mean.
    fn mean(self) -> f64 {
        if self.over > 0.0 {
            self.count / self.over
        } else {
            0.0
        }
    }

    /// A rate; what has all but faded is none.
    fn rate(self) -> f64 {
        if self.count < 0.05 { 0.0 } else { self.mean() }
    }
}

#[derive(Clone, Debug, Default)]
struct Sums {
    offered: Fading,
    completed: Fading,
    retried: Fading,
    failed: Fading,
    nodes: Vec<NodeSums>,
    links: Vec<LinkSums>,
}

#[derive(Clone, Debug, Default)]
struct NodeSums {
    name: String,
    throughput: Fading,
    failed: Fading,
    utilisation: Fading,
    queue: Fading,
    in_flight: Fading,
    hits: Fading,
    instances: Vec<(u32, Fading, Fading)>,
}

#[derive(Clone, Debug, Default)]
struct LinkSums {
    from: String,
    to: String,
    instances: Vec<[Fading; 3]>,
    bytes: Fading,
}

impl Readings {
    /// Nodes have other names from now on, also in what was counted before.
    pub fn rename(&mut self, names: &Renaming) {
        let nodes = self.seen.nodes.iter_mut().map(|node| &mut node.name);
        let nodes = nodes.chain(self.sums.nodes.iter_mut().map(|node| &mut node.name));
        for name in nodes.chain(self.shown.nodes.iter_mut().map(|node| &mut node.name)) {
            names.name(name);
        }
        let links = self.seen.links.iter_mut().map(|l| (&mut l.from, &mut l.to));
        let links = links.chain(self.sums.links.iter_mut().map(|l| (&mut l.from, &mut l.to)));
        for (from, to) in links.chain(
            self.shown
                .links
                .iter_mut()
                .map(|l| (&mut l.from, &mut l.to)),
        ) {
            names.name(from);
            names.name(to);
        }
    }
}

/// What was counted since; a counter that fell belongs to a new thing of the same name.
fn since(now: u64, before: u64) -> f64 {
    now.checked_sub(before).unwrap_or(now) as f64
}

fn since_ns(now: u128, before: u128) -> f64 {
    now.checked_sub(before).unwrap_or(now) as f64
}

/// Looks where it was last time first.
fn find<T>(list: &[T], likely: usize, is: impl Fn(&T) -> bool) -> Option<&T> {
    list.get(likely)
        .filter(|item| is(item))
        .or_else(|| list.iter().find(|item| is(item)))
}

impl Sums {
    fn add(&mut self, seen: &Seen, snapshot: &Snapshot, simulated: f64, faded: f64) {
        let (now, before) = (&snapshot.operations, &seen.operations);
        for (sum, now, before) in [
            (&mut self.offered, now.offered, before.offered),
            (&mut self.completed, now.completed, before.completed),
            (
                &mut self.retried,
                now.completed_after_retry,
                before.completed_after_retry,
            ),
            (&mut self.failed, now.failed, before.failed),
        ] {
            sum.add(faded, since(now, before), simulated);
        }

        let nodes = snapshot.nodes.iter().enumerate().map(|(i, now)| {
            let mut sums = find(&self.nodes, i, |sums: &NodeSums| sums.name == now.name)
                .cloned()
                .unwrap_or_else(|| NodeSums {
                    name: now.name.clone(),
                    ..NodeSums::default()
                });
            let new = NodeView::default();
            let before = find(&seen.nodes, i, |node: &NodeView| node.name == now.name);
            sums.add(before.unwrap_or(&new), now, simulated, faded);
            sums
        });
        self.nodes = nodes.collect();

        let links = snapshot.links.iter().enumerate().map(|(i, now)| {
            let same = |from: &str, to: &str| from == now.from && to == now.to;
            let mut sums = find(&self.links, i, |sums: &LinkSums| same(&sums.from, &sums.to))
                .cloned()
                .unwrap_or_else(|| LinkSums {
                    from: now.from.clone(),
                    to: now.to.clone(),
                    ..LinkSums::default()
                });
            let before = find(&seen.links, i, |link: &LinkView| same(&link.from, &link.to));
            sums.instances
                .resize_with(now.calls.len(), Default::default);
            let bytes = before.map_or(0, |link| link.bytes);
            sums.bytes.add(faded, since(now.bytes, bytes), simulated);
            for (at, (sum, now)) in sums.instances.iter_mut().zip(&now.calls).enumerate() {
                let none = CallCounts::default();
                let before = before.and_then(|link| link.calls.get(at)).unwrap_or(&none);
                sum[0].add(faded, since(now.completed, before.completed), simulated);
                sum[1].add(faded, since(now.retried, before.retried), simulated);
                sum[2].add(faded, since(now.failed, before.failed), simulated);
            }
            sums
        });
        self.links = links.collect();
    }

    fn shown(&self, snapshot: &Snapshot) -> Shown {
        // A node that came with this very snapshot has no sums yet.
        let nodes = snapshot.nodes.iter().enumerate().map(|(i, node)| {
            let sums = find(&self.nodes, i, |sums: &NodeSums| sums.name == node.name);
            sums.map_or_else(
                || NodeReading {
                    name: node.name.clone(),
                    ..NodeReading::default()
                },
                NodeSums::reading,
            )
        });
        let links = snapshot.links.iter().enumerate().map(|(i, link)| {
            let sums = find(&self.links, i, |sums: &LinkSums| {
                sums.from == link.from && sums.to == link.to
            });
            let rates = |sum: &[Fading; 3]| CallRates {
                completed: sum[0].rate(),
                retried: sum[1].rate(),
                failed: sum[2].rate(),
            };
            LinkReading {
                from: link.from.clone(),
                to: link.to.clone(),
                instances: sums.map_or_else(Vec::new, |s| s.instances.iter().map(rates).collect()),
                bytes: sums.map_or(0.0, |sums| sums.bytes.rate()),
            }
        });
        Shown {
            totals: Totals {
                offered: self.offered.rate(),
                completed: self.completed.rate(),
                retried: self.retried.rate(),
                failed: self.failed.rate(),
            },
            nodes: nodes.collect(),
            links: links.collect(),
        }
    }
}

impl NodeSums {
    fn add(&mut self, before: &NodeView, now: &NodeView, simulated: f64, faded: f64) {
        self.throughput
            .add(faded, since(now.completed, before.completed), simulated);
        self.failed
            .add(faded, since(now.failed, before.failed), simulated);
        // What is dead has no worker time that could be used, and is not busy.
        let capacity = since_ns(now.capacity_ns, before.capacity_ns);
        let used = if capacity > 0.0 {
            since_ns(now.busy_ns, before.busy_ns) / capacity
        } else {
            0.0
        };
        self.utilisation.add(faded, used * simulated, simulated);
        self.queue
            .add(faded, now.queue as f64 * simulated, simulated);
        self.in_flight
            .add(faded, now.in_flight as f64 * simulated, simulated);
        let (cached, before) = (
            now.cache.unwrap_or_default(),
            before.cache.unwrap_or_default(),
        );
        let (hits, misses) = (
            since(cached.hits, before.hits),
            since(cached.misses, before.misses),
        );
        self.hits.add(faded, hits, hits + misses);
        let instances = now.instances.iter().enumerate().map(|(i, instance)| {
            let sums = find(&self.instances, i, |sums| sums.0 == instance.number);
            let (_, mut load, mut queue) =
                sums.copied()
                    .unwrap_or((instance.number, Fading::default(), Fading::default()));
            load.add(faded, instance.load * simulated, simulated);
            queue.add(faded, instance.queue as f64 * simulated, simulated);
            (instance.number, load, queue)
        });
        self.instances = instances.collect();
    }

    fn reading(&self) -> NodeReading {
        NodeReading {
            name: self.name.clone(),
            throughput: self.throughput.rate(),
            failed: self.failed.rate(),
            utilisation: self.utilisation.mean(),
            queue: self.queue.mean(),
            in_flight: self.in_flight.mean(),
            hit_ratio: self.hits.mean(),
            instances: self
                .instances
                .iter()
                .map(|(number, load, queue)| InstanceReading {
                    number: *number,
                    load: load.mean(),
                    queue: queue.mean(),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::snapshot::InstanceView;

    /// A node that has answered `completed` requests with its one worker half busy.
    fn snapshot(now_s: f64, completed: u64) -> Snapshot {
        let ns = (now_s * 1e9) as u64;
        Snapshot {
            now: Duration(ns),
            nodes: vec![NodeView {
                name: "api".into(),
                completed,
                busy_ns: u128::from(ns / 2),
                capacity_ns: u128::from(ns),
                instances: vec![InstanceView {
                    number: 1,
                    load: 0.5,
                    ..InstanceView::default()
                }],
                ..NodeView::default()
            }],
            links: vec![LinkView {
                from: "lb".into(),
                to: "api".into(),
                calls: vec![CallCounts {
                    completed,
                    ..CallCounts::default()
                }],
                ..LinkView::default()
            }],
            ..Snapshot::default()
        }
    }

    #[test]
    fn rates_do_not_depend_on_the_speed() {
        for speed in [0.1, 1.0, 100.0] {
            let mut readings = Readings::default();
            for frame in 1..=600 {
                let real = f64::from(frame) / 60.0;
                readings.update(&snapshot(real * speed, (real * speed * 400.0) as u64), real);
            }
            let node = readings.node("api").unwrap();
            assert!((node.throughput - 400.0).abs() < 8.0, "{}", node.throughput);
            assert!((node.utilisation - 0.5).abs() < 1e-6);
            assert!((node.instance(1).unwrap().load - 0.5).abs() < 1e-6);
            let link = readings.link("lb", "api").unwrap();
            assert!((link.total().completed - 400.0).abs() < 8.0);
        }
    }

    #[test]
    fn a_stop_is_seen_to_fall_with_the_time_constant() {
        let mut readings = Readings::default();
        let mut real = 0.0;
        while real < 30.0 {
            real += 1.0 / 60.0;
            readings.update(&snapshot(real, (real * 400.0) as u64), real);
        }
        let stop = real;
        while real < stop + TIME_CONSTANT_S {
            real += 1.0 / 60.0;
            readings.update(&snapshot(real, (stop * 400.0) as u64), real);
        }
        let fallen = readings.node("api").unwrap().throughput / 400.0;
        assert!((fallen - libm::exp(-1.0)).abs() < 0.04, "{fallen}");
    }

    /// However fast time goes, what has ended is shown as nothing before long, and not as a tail of tiny figures.
    #[test]
    fn what_has_ended_reaches_nothing() {
        for speed in [1.0, 50.0, 1000.0] {
            let mut readings = Readings::default();
            let shown = |readings: &mut Readings, real: f64, failed: u64| {
                let mut snapshot = snapshot(real * speed, 0);
                snapshot.operations.failed = failed;
                readings.update(&snapshot, real);
                readings.totals().failed
            };
            let per_frame = (speed * 5.0) as u64;
            for frame in 1..=600_u32 {
                shown(
                    &mut readings,
                    f64::from(frame) / 60.0,
                    u64::from(frame) * per_frame,
                );
            }
            for frame in 601..=1200_u32 {
                shown(&mut readings, f64::from(frame) / 60.0, 600 * per_frame);
            }
            assert_eq!(shown(&mut readings, 20.1, 600 * per_frame), 0.0, "{speed}");
        }
    }

    #[test]
    fn the_dead_are_not_busy() {
        let mut readings = Readings::default();
        for frame in 1..=1200_u32 {
            let real = f64::from(frame) / 60.0;
            let mut snapshot = snapshot(real, 0);
            // It died at the tenth second: neither work nor time to work is added from then on.
            let node = &mut snapshot.nodes[0];
            node.capacity_ns = node.capacity_ns.min(10_000_000_000);
            node.busy_ns = node.busy_ns.min(5_000_000_000);
            readings.update(&snapshot, real);
        }
        assert_eq!(readings.node("api").unwrap().utilisation, 0.0);
    }

    #[test]
    fn a_pause_holds_and_a_reset_starts_afresh() {
        let mut readings = Readings::default();
        readings.update(&snapshot(10.0, 1000), 1.0);
        let before = readings.node("api").unwrap().clone();
        assert_eq!(before.throughput, 100.0);
        readings.update(&snapshot(10.0, 1000), 60.0);
        assert_eq!(*readings.node("api").unwrap(), before);
        readings.update(&snapshot(1.0, 7), 60.1);
        assert_eq!(readings.node("api").unwrap().throughput, 7.0);
    }

    #[test]
    fn texts_are_refreshed_a_few_times_a_second() {
        let mut readings = Readings::default();
        let mut changes = 0;
        let mut shown = 0.0;
        for frame in 1..=60_u32 {
            let real = f64::from(frame) / 60.0;
            readings.update(&snapshot(real, u64::from(frame * frame)), real);
            let now = readings.node("api").unwrap().throughput;
            changes += u32::from(now != shown);
            shown = now;
        }
        assert!((4..=6).contains(&changes), "{changes}");
    }
}
