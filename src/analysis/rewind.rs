//! Going back: copies of a track, kept from time to time, from which any earlier moment is reached again.
//!
//! A copy is made whenever running what came since the last one, twins and all, and making the copy itself took so long that doing
//! it anew would be noticed. That is measured, so it holds for dear events and slow machines as well; results depend on
//! none of it. When the copies take more memory than is allowed, the older ones stand further and further apart: the way
//! back to a moment long ago takes longer than that to a recent one, as [`Rewindable::farthest`] says.

use std::time::{Duration as RealDuration, Instant};

use super::track::{Keeps, Track};
use crate::model::settings::SettingError;
use crate::model::{Command, Renaming, Timed, Topology};
use crate::units::{Bytes, Duration};

/// Going back takes at most a tenth of a second where memory allows: a clone, and so much running, with room for a turn that is three times as slow.
const REACH: RealDuration = RealDuration::from_millis(30);
/// Running takes at least so many times as long as the copying: what plays fast is not slowed down by much.
const RUN_TO_COPY: u32 = 3;
/// Events between two looks at the time.
const SLICE_EVENTS: u64 = 4_096;

/// What came from outside.
#[derive(Clone, Debug)]
enum Step {
    Command(Command),
    Rename(Renaming),
    Reschedule(Vec<Timed>),
}

#[derive(Clone, Debug)]
struct Kept {
    track: Track,
    bytes: usize,
    /// How many steps had been taken.
    steps: usize,
    /// How long all running until then took.
    worked: RealDuration,
}

/// A track that can go back to any moment it has been at.
#[derive(Clone, Debug)]
pub struct Rewindable {
    track: Track,
    /// In the order of time; the first is of time 0, the others are thinned.
    kept: Vec<Kept>,
    steps: Vec<(Duration, Step)>,
    most: Bytes,
    /// How long running from the beginning to now takes.
    worked: RealDuration,
    /// How long the last copy took to make.
    copying: RealDuration,
}

impl Rewindable {
    /// The topology at time 0, which must have passed its check; its copies take at most so much memory, apart from the
    /// first and the newest.
    pub fn new(topology: &Topology, seed: u64, keeps: Keeps, most: Bytes) -> Self {
        let track = Track::new(topology, seed, keeps);
        let mut new = Self {
            track,
            kept: Vec::new(),
            steps: Vec::new(),
            most,
            worked: RealDuration::ZERO,
            copying: RealDuration::ZERO,
        };
        new.copy();
        new
    }

    /// The track as it is now.
    pub fn track(&self) -> &Track {
        &self.track
    }

    /// Bytes that the copies take, by the simulator's own count.
    pub fn bytes(&self) -> usize {
        self.kept.iter().map(|kept| kept.bytes).sum()
    }

    /// How many copies there are.
    pub fn copies(&self) -> usize {
        self.kept.len()
    }

    /// How long running takes at most from a copy to a moment before the next, as it was measured.
    pub fn farthest(&self) -> RealDuration {
        let worked = self.kept.iter().map(|kept| kept.worked);
        let ends = worked.clone().skip(1).chain([self.worked]);
        let ways = worked.zip(ends).map(|(from, to)| to.saturating_sub(from));
        ways.max().unwrap_or_default()
    }

    /// Runs to an instant.
    pub fn run_until(&mut self, until: Duration) {
        while !self.timed(|track| track.run_some(until, SLICE_EVENTS)) {
            self.copy_if_due();
        }
        self.copy_if_due();
    }

    /// Carries out a command now.
    ///
    /// # Errors
    /// As [`Track::apply`] has them; then nothing has changed.
    pub fn apply(&mut self, command: &Command) -> Result<(), SettingError> {
        self.take(Step::Command(command.clone()))
    }

    /// Gives nodes other names.
    pub fn rename(&mut self, names: &Renaming) {
        // Names are given without fail.
        let _ = self.take(Step::Rename(names.clone()));
    }

    /// Another future; see [`Track::reschedule`].
    pub fn reschedule(&mut self, scenario: &[Timed]) {
        // A future is taken without fail.
        let _ = self.take(Step::Reschedule(scenario.to_vec()));
    }

    /// Goes back to an instant, with all that had happened by then and nothing that came later, or runs on to it.
    pub fn go_to(&mut self, at: Duration) {
        if at >= self.track.now() {
            return self.run_until(at);
        }
        let steps = self.steps.partition_point(|(when, _)| *when <= at);
        self.steps.truncate(steps);
        let wanted = |kept: &Kept| kept.track.now() <= at && kept.steps <= steps;
        let copies = self.kept.partition_point(wanted).max(1);
        self.kept.truncate(copies);
        let Some(nearest) = self.kept.last() else {
            return;
        };
        self.track = nearest.track.clone();
        self.worked = nearest.worked;
        for (when, step) in self.steps.split_off(nearest.steps) {
            self.run_until(when);
            // It could be done, so it can be done again.
            let _ = self.take(step);
        }
        self.run_until(at);
    }

    /// Does something to the track and counts how long that takes.
    fn timed<T>(&mut self, work: impl FnOnce(&mut Track) -> T) -> T {
        let begun = Instant::now();
        let done = work(&mut self.track);
        self.worked += begun.elapsed();
        done
    }

    fn take(&mut self, step: Step) -> Result<(), SettingError> {
        self.timed(|track| match &step {
            Step::Command(command) => track.apply(command),
            Step::Rename(names) => {
                track.rename(names);
                Ok(())
            }
            Step::Reschedule(scenario) => {
                track.reschedule(scenario);
                Ok(())
            }
        })?;
        self.steps.push((self.track.now(), step));
        Ok(())
    }

    fn copy_if_due(&mut self) {
        let copied = self.kept.last().map_or(self.worked, |kept| kept.worked);
        let since = self.worked - copied;
        if since + self.copying >= REACH && since >= RUN_TO_COPY * self.copying {
            self.copy();
        }
    }

    fn copy(&mut self) {
        let begun = Instant::now();
        let track = self.track.clone();
        self.copying = begun.elapsed();
        self.kept.push(Kept {
            bytes: track.size(),
            steps: self.steps.len(),
            worked: self.worked,
            track,
        });
        while self.kept.len() > 2 && self.bytes() as u64 > self.most.0 {
            let least = self.least_missed();
            self.kept.remove(least);
        }
    }

    /// The copy without which the way back to what comes after it grows least, for its age.
    fn least_missed(&self) -> usize {
        let now = self.worked.as_secs_f64();
        let at = |copy: usize| self.kept[copy].worked.as_secs_f64();
        let gap = |copy: usize| {
            let (before, after) = (at(copy - 1), at(copy + 1));
            (after - before) / (now - before).max(1e-9)
        };
        let inner = 1..self.kept.len() - 1;
        inner
            .min_by(|&a, &b| gap(a).total_cmp(&gap(b)))
            .unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::settings::ron_options;

    fn busy() -> Topology {
        let text = r#"Topology(
            schema: 1, duration: "600s", sessions: InMemory(),
            nodes: {
                "clients": Clients(arrivals: Poisson("2000/s"), users: 500, signed_in: true, mix: (read: 3, write: 1)),
                "lb": LoadBalancer(policy: StickyCookie),
                "api": Service(instances: 3, workers: 40, state: InMemory(snapshot_every: "5s")),
            },
            links: ["clients -> lb", "lb -> api"],
            scenario: [At("20s", Crash("api", 2)), At("30s", Restart("api", 2)), At("50s", Crash("api", 1))],
        )"#;
        ron_options().from_str(text).expect("a topology")
    }

    fn shown(track: &Track) -> String {
        format!("{:?}", track.results())
    }

    fn at(seconds: f64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn changed(run: &mut Rewindable) {
        run.run_until(at(12.3));
        let set = |path: &str, value: &str| Command::Set(path.into(), value.into());
        run.apply(&set("nodes.api.instances", "4")).expect("set");
        run.run_until(at(33.0));
        run.reschedule(&[Timed::At(at(45.0), Command::Hang("api".into(), 3))]);
        run.apply(&Command::Crash("api".into(), 3)).expect("crash");
        run.run_until(at(90.0));
    }

    fn fresh(most: Bytes) -> Rewindable {
        Rewindable::new(&busy(), 7, Keeps::LIVE, most)
    }

    #[test]
    fn every_earlier_moment_is_as_it_was() {
        let mut run = fresh(Bytes(1 << 30));
        changed(&mut run);
        let end = shown(run.track());
        for moment in [0.0, 3.21, 12.29, 12.31, 20.0, 44.9, 61.7, 89.99] {
            let mut back = run.clone();
            back.go_to(at(moment));
            assert_eq!(back.track().now(), at(moment));
            // As one that never ran any further.
            let mut other = fresh(Bytes(1 << 30));
            other.run_until(at(moment.min(12.3)));
            if moment > 12.3 {
                let set = Command::Set("nodes.api.instances".into(), "4".into());
                other.apply(&set).expect("set");
                other.run_until(at(moment.min(33.0)));
            }
            if moment > 33.0 {
                other.reschedule(&[Timed::At(at(45.0), Command::Hang("api".into(), 3))]);
                other
                    .apply(&Command::Crash("api".into(), 3))
                    .expect("crash");
                other.run_until(at(moment));
            }
            assert_eq!(shown(back.track()), shown(other.track()), "{moment}");
        }
        // And from there it goes on to the same bytes.
        run.go_to(at(5.0));
        changed(&mut run);
        assert_eq!(shown(run.track()), end);
    }

    #[test]
    fn older_copies_stand_further_apart_within_the_memory_allowed() {
        let most = Bytes(16 << 20);
        let mut run = fresh(most);
        for turn in 1..=100 {
            // As if each turn had taken the same time, on whatever machine.
            run.track.run_until(at(4.0 * f64::from(turn)));
            run.worked += REACH;
            run.copy();
        }
        assert!(run.bytes() as u64 <= most.0, "{}", run.bytes());
        let times: Vec<f64> = run.kept.iter().map(|k| k.track.now().secs()).collect();
        assert!(times.len() >= 4, "{times:?}");
        assert_eq!([times[0], times[times.len() - 1]], [0.0, 400.0]);
        let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (old, new) = gaps.split_at(gaps.len() / 2);
        let longest = |gaps: &[f64]| gaps.iter().copied().fold(0.0, f64::max);
        assert!(longest(old) >= longest(new), "{times:?}");
    }
}
