//! What the lanes draw: intervals reduced to a few hundred points, kept until view or data change.
//!
//! Intervals are added up in equal parts of time, whose borders lie at round instants, so that the picture does not
//! shimmer while it moves. Counts stay exact: a part's rate is what was counted in it over its length. Faults begin a part
//! of their own, so that what they do begins sharply.

use egui_plot::PlotPoint;

use super::window::TimeWindow;
use crate::app::run::history::{self, History};
use crate::sim::snapshot::Interval;
use crate::units::Duration;

/// A part of time with what happened in it.
#[derive(Clone, Debug)]
pub struct Part {
    /// Begin, end, both in seconds.
    pub from: f64,
    /// See `from`.
    pub to: f64,
    /// Operations a second: completed at once, after a retry, failed.
    pub rates: [f64; 3],
    /// Response times in seconds: 50th, 95th, 99th percentile.
    pub percentiles: Option<[f64; 3]>,
    /// What would have been without the latest fault.
    pub without: Option<WithoutPart>,
    /// Whether a fault lies between the part before and this one.
    sharp: bool,
    made_of: MadeOf,
}

/// A part of time in the twin of a fault.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WithoutPart {
    /// When the fault was.
    since: Duration,
    /// Operations completed a second.
    pub rate: f64,
    /// The 99th percentile of their response times in seconds.
    pub p99: Option<f64>,
}

/// What a part was made of: the same again gives the same part.
#[derive(Clone, Copy, Debug, PartialEq)]
struct MadeOf {
    /// Which part of time of this width it is, and how many faults lie before it.
    place: (u64, usize),
    width: u64,
    from: Duration,
    to: Duration,
    intervals: usize,
}

/// The reduced data of a span of time.
#[derive(Clone, Debug, Default)]
pub struct Reduced {
    /// The parts, in order of time.
    pub parts: Vec<Part>,
    /// Losses since the start: (seconds, writes, sessions), at the begin, at each change, at the end.
    pub losses: Vec<(f64, u64, u64)>,
    key: Option<Key>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Key {
    changes: u64,
    from: u64,
    to: u64,
    width: u64,
    cuts: usize,
}

impl Reduced {
    /// Brings it up to date, if anything that matters has changed. `cuts` are the instants of faults.
    pub fn update(&mut self, history: &History, window: &TimeWindow, pixels: f32, cuts: &[f64]) {
        let width = part_width(window.span(), pixels);
        let ns = |seconds: f64| Duration::from_secs(seconds.max(0.0)).0;
        let key = Key {
            changes: history.changes(),
            // Whole parts only, so that panning by a pixel does not reduce afresh.
            from: (ns(window.from) / width).saturating_sub(1) * width,
            to: (ns(window.to) / width + 2) * width,
            width,
            cuts: cuts.len(),
        };
        if self.key == Some(key) {
            return;
        }
        self.key = Some(key);
        let intervals = history.between(Duration(key.from), Duration(key.to));
        self.parts = parts(intervals, width, cuts, &std::mem::take(&mut self.parts));
        self.losses = losses(intervals);
    }

    /// The part that an instant lies in.
    pub fn at(&self, seconds: f64) -> Option<&Part> {
        let at = self.parts.partition_point(|part| part.to < seconds);
        self.parts.get(at).filter(|part| part.from <= seconds)
    }

    /// Losses by an instant: writes, sessions.
    pub fn lost_by(&self, seconds: f64) -> (u64, u64) {
        let at = self.losses.partition_point(|loss| loss.0 <= seconds);
        at.checked_sub(1)
            .map_or((0, 0), |at| (self.losses[at].1, self.losses[at].2))
    }

    /// Instants at which lines have a point, each with its part: the middle of a part, and its ends where the line must
    /// begin or end sharply.
    pub fn points(&self) -> impl Iterator<Item = (f64, &Part)> {
        let last = self.parts.len().saturating_sub(1);
        self.parts.iter().enumerate().flat_map(move |(i, part)| {
            let begins = i == 0 || part.sharp;
            let ends = i == last || self.parts[i + 1].sharp;
            [
                begins.then_some(part.from),
                Some((part.from + part.to) / 2.0),
                ends.then_some(part.to),
            ]
            .into_iter()
            .flatten()
            .map(move |x| (x, part))
        })
    }

    /// A figure of the parts as lines, broken where there is none and where a fault makes it jump.
    pub fn lines(&self, figure: impl Fn(&Part) -> Option<f64>) -> Vec<Vec<PlotPoint>> {
        let mut lines = vec![Vec::new()];
        for (x, part) in self.points() {
            let jumps = part.sharp && x == part.from;
            let value = figure(part);
            if jumps || value.is_none() {
                lines.push(Vec::new());
            }
            if let (Some(value), Some(line)) = (value, lines.last_mut()) {
                line.push(PlotPoint::new(x, value));
            }
        }
        lines.retain(|line| line.len() > 1);
        lines
    }

    /// A figure of the twins as lines, one for each.
    pub fn lines_without(
        &self,
        figure: impl Fn(&WithoutPart) -> Option<f64>,
    ) -> Vec<Vec<PlotPoint>> {
        let mut lines: Vec<Vec<PlotPoint>> = Vec::new();
        let mut since = None;
        for (x, part) in self.points() {
            let value = part.without.as_ref().and_then(&figure);
            let now = value.and(part.without).map(|without| without.since);
            if now != since || lines.is_empty() {
                lines.push(Vec::new());
                since = now;
            }
            if let (Some(value), Some(line)) = (value, lines.last_mut()) {
                line.push(PlotPoint::new(x, value));
            }
        }
        lines.retain(|line| line.len() > 1);
        lines
    }
}

/// About 200 parts over the whole width, in a row of round lengths, in nanoseconds.
fn part_width(span_s: f64, pixels: f32) -> u64 {
    let wanted = span_s * 1e9 / f64::from((pixels / 4.0).clamp(20.0, 1000.0));
    let mut width = 1.0;
    for factor in [2.0, 2.5, 2.0].into_iter().cycle().take(60) {
        if width >= wanted {
            break;
        }
        width *= factor;
    }
    width as u64
}

/// While time runs only the last parts are new; those of `before` that are made of the same are taken over, because
/// percentiles of many intervals take time.
fn parts(intervals: &[Interval], width: u64, cuts: &[f64], before: &[Part]) -> Vec<Part> {
    let place = |interval: &Interval| {
        let middle = interval.from.0 / 2 + interval.to.0 / 2;
        let cut = cuts.partition_point(|cut| *cut * 1e9 < middle as f64);
        (middle / width, cut)
    };
    let mut parts: Vec<Part> = Vec::new();
    let mut cut_before = None;
    for group in intervals.chunk_by(|a, b| place(a) == place(b)) {
        let (first, last) = (&group[0], &group[group.len() - 1]);
        let made_of = MadeOf {
            place: place(first),
            width,
            from: first.from,
            to: last.to,
            intervals: group.len(),
        };
        let cut = made_of.place.1;
        let sharp = cut_before.is_some_and(|before| before != cut);
        cut_before = Some(cut);
        // What has just begun is too short to be read: it waits until there is more of it.
        let unfinished = group.last() == intervals.last() && (last.to.0 - first.from.0) * 2 < width;
        if unfinished
            && !sharp
            && let Some(part) = parts.last_mut()
        {
            part.to = last.to.secs();
            continue;
        }
        let at = before.partition_point(|part| part.made_of.place < made_of.place);
        let same = before.get(at).filter(|part| part.made_of == made_of);
        let mut part = match same {
            Some(part) => part.clone(),
            None => made(group, made_of),
        };
        part.sharp = sharp;
        part.to = last.to.secs();
        parts.push(part);
    }
    parts
}

fn made(group: &[Interval], made_of: MadeOf) -> Part {
    let sum = summed(group);
    let length = Duration(made_of.to.0 - made_of.from.0).secs();
    Part {
        from: made_of.from.secs(),
        to: made_of.to.secs(),
        rates: [sum.completed, sum.retried, sum.failed].map(|n| n as f64 / length),
        percentiles: sum.percentiles,
        without: history::merged_without(group).map(|without| WithoutPart {
            since: without.since,
            rate: without.completed as f64 / length,
            p99: without.percentiles.map(|[_, _, p99]| p99),
        }),
        sharp: false,
        made_of,
    }
}

/// Counts and percentiles of intervals.
fn summed(intervals: &[Interval]) -> Interval {
    let samples: Vec<(f64, [f64; 3])> = intervals
        .iter()
        .filter_map(|i| Some(((i.completed + i.retried) as f64, i.percentiles?)))
        .collect();
    Interval {
        completed: intervals.iter().map(|i| i.completed).sum(),
        retried: intervals.iter().map(|i| i.retried).sum(),
        failed: intervals.iter().map(|i| i.failed).sum(),
        percentiles: history::merged_percentiles(&samples),
        // Of these the part of a chart has its own.
        from: Duration(0),
        to: Duration(0),
        lost_writes: 0,
        lost_sessions: 0,
        nodes: Vec::new(),
        without: None,
    }
}

fn losses(intervals: &[Interval]) -> Vec<(f64, u64, u64)> {
    let mut losses: Vec<(f64, u64, u64)> = Vec::new();
    for interval in intervals {
        let now = (interval.lost_writes, interval.lost_sessions);
        if losses.last().is_none_or(|last| (last.1, last.2) != now) {
            losses.push((interval.from.secs(), now.0, now.1));
        }
    }
    if let (Some(last), Some(interval)) = (losses.last().copied(), intervals.last())
        && interval.to.secs() > last.0
    {
        losses.push((interval.to.secs(), last.1, last.2));
    }
    losses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::Sample;

    fn reduced() -> Reduced {
        let sample = Sample::new();
        let mut reduced = Reduced::default();
        let mut window = TimeWindow::default();
        window.follow(&sample.view());
        reduced.update(&sample.history, &window, 764.0, &[60.0]);
        reduced
    }

    #[test]
    fn counts_stay_exact_and_points_few() {
        let sample = Sample::new();
        let reduced = reduced();
        assert!((50..600).contains(&reduced.points().count()));
        let (from, to) = (reduced.parts[0].from, reduced.parts.last().unwrap().to);
        let drawn: f64 = reduced
            .parts
            .iter()
            .map(|part| part.rates[2] * (part.to - part.from))
            .sum();
        let counted: u64 = sample
            .history
            .intervals()
            .iter()
            .filter(|i| i.from.secs() >= from - 1e-9 && i.to.secs() <= to + 1e-9)
            .map(|i| i.failed)
            .sum();
        // The last part may stand for a moment that has only begun.
        assert!((drawn - counted as f64).abs() < 5.0, "{drawn} {counted}");
    }

    #[test]
    fn a_fault_begins_a_part_of_its_own() {
        let reduced = reduced();
        assert!(
            reduced
                .parts
                .iter()
                .any(|part| part.sharp && (part.from - 60.0).abs() < 1e-9)
        );
        assert_eq!(reduced.lost_by(59.9), (0, 0));
        assert_eq!(reduced.lost_by(60.5), (49, 512));
    }

    #[test]
    fn what_is_taken_over_is_what_would_be_made() {
        let mut sample = Sample::new();
        let intervals = sample.history.intervals().to_vec();
        let mut window = TimeWindow::default();
        window.follow(&sample.view());
        sample.history.clear();
        let (mut kept, mut fresh) = (Reduced::default(), Reduced::default());
        for interval in intervals {
            sample.history.push(interval);
            kept.update(&sample.history, &window, 764.0, &[60.0]);
        }
        fresh.update(&sample.history, &window, 764.0, &[60.0]);
        assert_eq!(format!("{:?}", kept.parts), format!("{:?}", fresh.parts));
    }

    #[test]
    fn an_empty_history_draws_nothing() {
        let mut reduced = Reduced::default();
        reduced.update(&History::default(), &TimeWindow::default(), 764.0, &[]);
        assert_eq!(reduced.points().count(), 0);
        assert!(reduced.at(3.0).is_none());
        assert_eq!(reduced.lost_by(3.0), (0, 0));
        assert!(part_width(1e-9, 700.0) >= 1 && part_width(1e9, 700.0) > 1_000_000);
    }
}
