//! What happened so far, for charts and the log; bounded however long a run lasts.

use std::collections::VecDeque;

use crate::model::Renaming;
use crate::sim::snapshot::{Happening, Interval, NodeInterval, Snapshot, Without};
use crate::units::Duration;

/// As many intervals are kept; fewer where there are many nodes.
const MOST_INTERVALS: usize = 3000;
/// And as many figures of nodes.
const MOST_NODE_INTERVALS: usize = 60_000;
/// As many happenings are remembered.
const MOST_HAPPENINGS: usize = 500;

/// Intervals and happenings in order of time, kept outside the simulator.
#[derive(Clone, Debug, Default)]
pub struct History {
    intervals: Vec<Interval>,
    happenings: VecDeque<Happening>,
    /// Happenings of this run, those that are forgotten included.
    happened: u64,
    changes: u64,
}

impl History {
    /// Appends the next interval. When there are too many, neighbours are merged until about half are left.
    pub fn push(&mut self, interval: Interval) {
        if interval.to <= interval.from {
            return;
        }
        self.changes += 1;
        self.intervals.push(interval);
        let nodes = self.intervals.last().map_or(1, |i| i.nodes.len().max(1));
        let most = (MOST_NODE_INTERVALS / nodes).clamp(200, MOST_INTERVALS);
        if self.intervals.len() > most {
            self.thin(most);
        }
    }

    /// Keeps what happened lately in the memory of the whole run.
    pub fn remember(&mut self, snapshot: &Snapshot) {
        let newest = self.happenings.back().map(|happening| happening.id);
        for happening in &snapshot.happenings {
            if newest.is_none_or(|id| happening.id > id) {
                self.happenings.push_back(happening.clone());
                self.happened += 1;
                self.changes += 1;
            }
        }
        while self.happenings.len() > MOST_HAPPENINGS {
            self.happenings.pop_front();
        }
    }

    /// Forgets everything, for a new run.
    pub fn clear(&mut self) {
        *self = Self {
            changes: self.changes + 1,
            ..Self::default()
        };
    }

    /// Nodes have other names from now on, also in what was before.
    pub fn rename(&mut self, names: &Renaming) {
        for interval in &mut self.intervals {
            interval.rename(names);
        }
        for happening in &mut self.happenings {
            happening.rename(names);
        }
        self.changes += 1;
    }

    /// The intervals, oldest first.
    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// What happened, oldest first.
    pub fn happenings(&self) -> impl DoubleEndedIterator<Item = &Happening> {
        self.happenings.iter()
    }

    /// How much happened in this run, what is forgotten by now included.
    pub fn happened(&self) -> u64 {
        self.happened
    }

    /// Another number whenever something was added or forgotten, for those who keep what they drew.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// It takes the place of another, whose number was this: its own goes on from there.
    pub fn changed_since(&mut self, changes: u64) {
        self.changes = self.changes.max(changes) + 1;
    }

    /// The end of the last interval.
    pub fn end(&self) -> Duration {
        self.intervals.last().map_or(Duration(0), |i| i.to)
    }

    /// The intervals that touch a span of time.
    pub fn between(&self, from: Duration, to: Duration) -> &[Interval] {
        let first = self.intervals.partition_point(|i| i.to <= from);
        let last = self.intervals.partition_point(|i| i.from < to);
        &self.intervals[first..last.max(first)]
    }

    /// The interval that an instant lies in.
    pub fn at(&self, instant: Duration) -> Option<&Interval> {
        let at = self.intervals.partition_point(|i| i.to < instant);
        self.intervals.get(at).filter(|i| i.from <= instant)
    }

    /// The last `span` merged into one, or the last interval if that is longer.
    pub fn latest(&self, span: Duration) -> Option<Interval> {
        let from = Duration(self.end().0.saturating_sub(span.0));
        merged(self.between(from, self.end()))
    }

    /// A figure over the last `span` as means over `points` equal parts, oldest first; not a number where nothing is
    /// known.
    pub fn series(
        &self,
        span: Duration,
        points: usize,
        figure: impl Fn(&Interval) -> Option<f64>,
    ) -> Vec<f32> {
        let from = self.end().0.saturating_sub(span.0);
        let width = (span.0 / points.max(1) as u64).max(1);
        let mut sums = vec![(0.0, 0.0); points];
        for interval in self.between(Duration(from), self.end()) {
            let Some(value) = figure(interval) else {
                continue;
            };
            let first = (interval.from.0.max(from) - from) / width;
            let last = (interval.to.0 - 1 - from) / width;
            for part in first..=last.min(points as u64 - 1) {
                let start = (from + part * width).max(interval.from.0);
                let end = (from + (part + 1) * width).min(interval.to.0);
                let weight = end.saturating_sub(start) as f64;
                let sum = &mut sums[part as usize];
                sum.0 += value * weight;
                sum.1 += weight;
            }
        }
        let mean = |(sum, weight): (f64, f64)| if weight > 0.0 { sum / weight } else { f64::NAN };
        sums.into_iter().map(|sum| mean(sum) as f32).collect()
    }

    /// Merges neighbours that together are no longer than four parts of the whole, of which there may be `most`: any
    /// two neighbours left are longer than that, so at most half as many are left, all of about the same length.
    fn thin(&mut self, most: usize) {
        let begin = self.intervals.first().map_or(0, |i| i.from.0);
        let limit = 4 * (self.end().0 - begin) / most as u64;
        let mut kept: Vec<Interval> = Vec::with_capacity(most);
        for next in self.intervals.drain(..) {
            match kept.last_mut() {
                Some(last) if next.to.0 - last.from.0 <= limit && last.to == next.from => {
                    *last = merge(last, &next);
                }
                _ => kept.push(next),
            }
        }
        // Only gaps in time can leave too many; then the oldest go.
        let excess = kept.len().saturating_sub(most);
        kept.drain(..excess);
        self.intervals = kept;
    }
}

/// Neighbouring intervals as one.
pub fn merged(intervals: &[Interval]) -> Option<Interval> {
    let (first, rest) = intervals.split_first()?;
    if rest.is_empty() {
        return Some(first.clone());
    }
    let last = &intervals[intervals.len() - 1];
    let completed = |i: &Interval| (i.completed + i.retried) as f64;
    let parts: Vec<(f64, [f64; 3])> = intervals
        .iter()
        .filter_map(|i| Some((completed(i), i.percentiles?)))
        .collect();
    let nodes = last.nodes.iter().map(|node| {
        let mut sum = NodeInterval {
            name: node.name.clone(),
            ..NodeInterval::default()
        };
        let mut length = 0.0;
        for interval in intervals {
            let Some(node) = interval.nodes.iter().find(|n| n.name == node.name) else {
                continue;
            };
            let weight = (interval.to.0 - interval.from.0) as f64;
            length += weight;
            sum.utilisation += node.utilisation * weight;
            sum.queue_length += node.queue_length * weight;
            sum.in_flight += node.in_flight * weight;
            sum.throughput_per_s += node.throughput_per_s * weight;
        }
        for figure in [
            &mut sum.utilisation,
            &mut sum.queue_length,
            &mut sum.in_flight,
            &mut sum.throughput_per_s,
        ] {
            *figure /= f64::max(length, 1.0);
        }
        sum
    });
    Some(Interval {
        from: first.from,
        to: last.to,
        completed: intervals.iter().map(|i| i.completed).sum(),
        retried: intervals.iter().map(|i| i.retried).sum(),
        failed: intervals.iter().map(|i| i.failed).sum(),
        percentiles: merged_percentiles(&parts),
        lost_writes: last.lost_writes,
        lost_sessions: last.lost_sessions,
        nodes: nodes.collect(),
        without: merged_without(intervals),
    })
}

/// What would have been without the latest fault, where all of it is known.
pub fn merged_without(intervals: &[Interval]) -> Option<Without> {
    let all: Vec<Without> = intervals.iter().map(|i| i.without).collect::<Option<_>>()?;
    let last = all.last()?;
    // The twins of two faults do not add up.
    if all.iter().any(|part| part.since != last.since) {
        return None;
    }
    let parts: Vec<(f64, [f64; 3])> = all
        .iter()
        .filter_map(|part| Some((part.completed as f64, part.percentiles?)))
        .collect();
    Some(Without {
        since: last.since,
        completed: all.iter().map(|part| part.completed).sum(),
        percentiles: merged_percentiles(&parts),
    })
}

fn merge(a: &Interval, b: &Interval) -> Interval {
    merged(&[a.clone(), b.clone()]).unwrap_or_default()
}

/// Percentiles of the union of several samples, from their sizes and their percentiles alone.
///
/// Each sample is taken as a log-logistic distribution in pieces: the log-odds of being slower fall linearly over the
/// logarithm of time between its percentiles, and go on so outside. The mixture of these is solved for each percentile.
/// The result always lies between the least and the greatest of the parts, as it must, and a short slow spell keeps its
/// weight: a mean would hide it, a maximum would exaggerate it.
pub fn merged_percentiles(parts: &[(f64, [f64; 3])]) -> Option<[f64; 3]> {
    match parts {
        [] => return None,
        [(_, one)] => return Some(*one),
        _ => {}
    }
    let total: f64 = parts.iter().map(|(weight, _)| weight.max(1e-9)).sum();
    let slower = |time: f64| -> f64 {
        let sum: f64 = parts
            .iter()
            .map(|(weight, percentiles)| weight.max(1e-9) * share_slower(percentiles, time))
            .sum();
        sum / total
    };
    let mut result = [0.0; 3];
    for (i, share) in SHARES.into_iter().enumerate() {
        let bounds = parts.iter().map(|(_, percentiles)| percentiles[i]);
        let (mut low, mut high) = bounds.fold((f64::MAX, 0.0), |(low, high): (f64, f64), v| {
            (low.min(v), high.max(v))
        });
        while high - low > high * 5e-4 {
            let middle = (low + high) / 2.0;
            if slower(middle) > share {
                low = middle;
            } else {
                high = middle;
            }
        }
        result[i] = (low + high) / 2.0;
    }
    Some(result)
}

/// The shares that are slower than the 50th, 95th and 99th percentile.
const SHARES: [f64; 3] = [0.5, 0.05, 0.01];

fn share_slower(percentiles: &[f64; 3], time: f64) -> f64 {
    let log_odds = |share: f64| libm::log(share / (1.0 - share));
    let point = |i: usize| (libm::log(percentiles[i].max(1e-12)), log_odds(SHARES[i]));
    let (a, b) = if time <= percentiles[1] {
        (point(0), point(1))
    } else {
        (point(1), point(2))
    };
    // Equal percentiles are a jump.
    let run = (b.0 - a.0).max(1e-9);
    let odds = libm::exp(a.1 + (libm::log(time.max(1e-12)) - a.0) / run * (b.1 - a.1));
    if odds.is_finite() {
        odds / (1.0 + odds)
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::snapshot::What;
    use crate::units::SECOND;

    fn interval(from_ms: u64, to_ms: u64) -> Interval {
        Interval {
            from: Duration(from_ms * 1_000_000),
            to: Duration(to_ms * 1_000_000),
            completed: to_ms - from_ms,
            retried: 1,
            failed: 2,
            percentiles: Some([0.01, 0.05, 0.1]),
            lost_writes: to_ms,
            nodes: vec![NodeInterval {
                name: "api".into(),
                utilisation: 0.25,
                ..NodeInterval::default()
            }],
            ..Interval::default()
        }
    }

    #[test]
    fn a_long_run_stays_bounded_and_keeps_its_counts() {
        let mut history = History::default();
        for i in 0..20_000 {
            history.push(interval(i * 10, (i + 1) * 10));
        }
        let intervals = history.intervals();
        assert!(intervals.len() <= MOST_INTERVALS && intervals.len() > MOST_INTERVALS / 4);
        assert_eq!(intervals.iter().map(|i| i.failed).sum::<u64>(), 40_000);
        assert_eq!(intervals.iter().map(|i| i.completed).sum::<u64>(), 200_000);
        assert!(intervals.windows(2).all(|pair| pair[0].to == pair[1].from));
        let last = &intervals[intervals.len() - 1];
        assert_eq!(last.lost_writes, 200_000);
        assert!((intervals[0].nodes[0].utilisation - 0.25).abs() < 1e-9);
        // The past is about as fine as the present may become.
        let longest = intervals.iter().map(|i| i.to.0 - i.from.0).max().unwrap();
        assert!(longest <= 4 * 200 * SECOND / MOST_INTERVALS as u64);
    }

    #[test]
    fn merged_percentiles_lie_between_and_near_the_truth() {
        // Two exponential samples of means 10 and 40 ms, half each: the mixture's tail is that of the slow one.
        let exponential = |mean: f64| SHARES.map(|share: f64| -mean * libm::log(share));
        let merged =
            merged_percentiles(&[(100.0, exponential(0.01)), (100.0, exponential(0.04))]).unwrap();
        let truth = SHARES.map(|share: f64| {
            let (mut low, mut high) = (0.0_f64, 1.0);
            for _ in 0..60 {
                let middle = f64::midpoint(low, high);
                let slower = 0.5 * libm::exp(-middle / 0.01) + 0.5 * libm::exp(-middle / 0.04);
                if slower > share {
                    low = middle;
                } else {
                    high = middle;
                }
            }
            low
        });
        for (merged, truth) in merged.into_iter().zip(truth) {
            assert!((merged / truth - 1.0).abs() < 0.1, "{merged} {truth}");
        }
        assert_eq!(merged_percentiles(&[]), None);
        let constant = merged_percentiles(&[(1.0, [0.01; 3]), (3.0, [0.01; 3])]).unwrap();
        assert!((constant[2] - 0.01).abs() < 1e-4);
    }

    #[test]
    fn series_are_means_over_equal_parts() {
        let mut history = History::default();
        for i in 0..10 {
            history.push(interval(i * 1000, (i + 1) * 1000));
        }
        let series = history.series(Duration(4 * SECOND), 2, |i| Some(i.to.secs()));
        assert_eq!(series, [7.5, 9.5]);
        let longer = history.series(Duration(20 * SECOND), 4, |i| Some(i.to.secs()));
        assert_eq!(longer.len(), 4);
        assert!(history.at(Duration(SECOND / 2)).is_some());
        assert!(history.at(Duration(11 * SECOND)).is_none());
    }

    #[test]
    fn happenings_are_remembered_once() {
        let mut history = History::default();
        let happening = |id| Happening {
            id,
            at: Duration(id),
            what: What::Deployed {
                node: String::new(),
            },
        };
        for newest in 0..2000 {
            let happenings = (newest.max(3) - 3..=newest).map(happening).collect();
            history.remember(&Snapshot {
                happenings,
                ..Snapshot::default()
            });
        }
        assert_eq!(history.happened(), 2000);
        assert_eq!(history.happenings().count(), MOST_HAPPENINGS);
        assert_eq!(history.happenings().next_back().unwrap().id, 1999);
        history.clear();
        assert_eq!(history.happened(), 0);
    }
}
