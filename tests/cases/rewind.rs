//! Going back: every earlier moment of a run is there again as it was, and from it the run goes on to the same end.

use statescope::analysis::rewind::Rewindable;
use statescope::analysis::{Keeps, Track};
use statescope::model::{Command, Renaming, Stop, Timed, Topology, load};
use statescope::units::{Bytes, Duration};

/// State and sessions in memory, at copies, in a store, on disks; a deployment under way; nothing kept.
const PRESETS: [&str; 6] = [
    "sticky-in-memory",
    "replicated-in-memory",
    "server-side-sessions",
    "local-disk",
    "rolling-deployment",
    "stateless-web",
];
const END_S: f64 = 60.0;

fn at(seconds: f64) -> Duration {
    Duration::from_secs(seconds)
}

/// All that a run shows of itself.
fn shown(track: &Track) -> String {
    let recording = track.sim().recording();
    format!(
        "{:?}\n{:?}\n{recording:?}",
        track.results(),
        track.snapshot()
    )
}

/// Something done to a run from outside.
type Step = (f64, fn(&mut Rewindable));

/// Faults, edits, other names and another future, in the order of time.
const STEPS: [Step; 8] = [
    (7.5, |run| apply(run, &Command::Crash("api".into(), 1))),
    (12.0, |run| {
        let edit = Command::Set("nodes.api.instances".into(), "5".into());
        apply(run, &edit);
    }),
    (12.0, |run| apply(run, &Command::Hang("api".into(), 2))),
    (20.25, |run| run.rename(&Renaming::one("api", "shop"))),
    (24.0, |run| {
        let crash = Command::Crash("shop".into(), 3);
        run.reschedule(&[Timed::At(at(31.0), crash)]);
    }),
    (33.0, |run| apply(run, &Command::Restart("shop".into(), 3))),
    (40.0, |run| {
        apply(run, &Command::Deploy("shop".into(), Stop::Drained));
    }),
    (55.0, |run| run.rename(&Renaming::one("shop", "api"))),
];

fn apply(run: &mut Rewindable, command: &Command) {
    // What one preset can do is too much for another.
    let _ = run.apply(command);
}

/// Runs on to a moment, with the steps that come by then.
fn go_on(run: &mut Rewindable, until: f64) {
    let now = run.track().now().secs();
    for (when, step) in STEPS {
        if when > now && when <= until {
            run.run_until(at(when));
            step(run);
        }
    }
    run.run_until(at(until));
}

fn fresh(topology: &Topology, most: Bytes) -> Rewindable {
    Rewindable::new(topology, topology.seed, Keeps::LIVE, most)
}

#[test]
fn every_earlier_moment_is_as_it_was_and_leads_to_the_same_end() {
    const MOMENTS: [f64; 8] = [0.0, 7.4, 12.0, 20.25, 24.1, 32.0, 47.9, 55.0];
    for preset in PRESETS {
        let topology = load(preset).unwrap().topology;
        let mut first = fresh(&topology, Bytes(0));
        let as_it_was = MOMENTS.map(|moment| {
            go_on(&mut first, moment);
            shown(first.track())
        });
        // With room for every copy and for hardly any.
        for most in [Bytes(1 << 30), Bytes(2 << 20)] {
            let mut run = fresh(&topology, most);
            go_on(&mut run, END_S);
            let end = shown(run.track());
            for (moment, was) in MOMENTS.iter().zip(&as_it_was).rev() {
                run.go_to(at(*moment));
                assert!(shown(run.track()) == *was, "{preset} at {moment} s");
            }
            go_on(&mut run, END_S);
            assert!(shown(run.track()) == end, "{preset}");
        }
    }
}
