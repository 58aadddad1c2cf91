//! Nodes get other names while the system runs: nothing but the names changes.

use statescope::analysis::{Keeps, Track};
use statescope::model::{Command, Renaming, Stop, Topology, load};
use statescope::units::Duration;

/// Presets with state and sessions in memory, in stores, and with a deployment under way.
const PRESETS: [&str; 3] = ["sticky-in-memory", "external-redis", "rolling-deployment"];

fn at(seconds: u64) -> Duration {
    Duration(seconds * 1_000_000_000)
}

/// All that a run shows of itself.
fn shown(track: &Track) -> String {
    let idle = track.sim().without_effect();
    let recording = track.sim().recording();
    format!(
        "{:?}\n{:?}\n{recording:?}\n{idle:?}",
        track.results(),
        track.snapshot()
    )
}

/// What every node is called by its new name.
fn all_anew(topology: &Topology) -> Renaming {
    let names = topology.nodes.keys();
    names
        .map(|name| (name.clone(), format!("{name}qq")))
        .collect()
}

/// A run with a crash, a scaling and a deployment from outside, and `then` at 20 s.
fn run(topology: &Topology, then: impl Fn(&mut Track) -> Option<Renaming>) -> (Track, Renaming) {
    let mut track = Track::new(topology, topology.seed, Keeps::LIVE);
    track.run_until(at(10));
    track.apply(&Command::Crash("api".into(), 1)).unwrap();
    track.run_until(at(20));
    let names = then(&mut track).unwrap_or_default();
    let api = names.get("api").unwrap_or("api").to_owned();
    track.run_until(at(30));
    let scale = Command::Set(format!("nodes.{api}.instances"), "5".into());
    track.apply(&scale).unwrap();
    track.run_until(at(40));
    // One may be under way already, by the scenario.
    let _ = track.apply(&Command::Deploy(api, Stop::Drained));
    track.run_until(at(75));
    (track, names)
}

#[test]
fn a_run_goes_on_as_it_would_have_under_other_names() {
    for preset in PRESETS {
        let topology = load(preset).unwrap().topology;
        let (plain, _) = run(&topology, |_| None);
        let (renamed, _) = run(&topology, |track| {
            let names = all_anew(track.sim().topology());
            track.rename(&names);
            Some(names)
        });
        let text = shown(&renamed);
        for name in topology.nodes.keys() {
            assert!(text.contains(&format!("{name}qq")), "{preset} {name}");
        }
        assert_eq!(text.replace("qq", ""), shown(&plain), "{preset}");
    }
}

#[test]
fn what_was_recorded_replays_under_the_new_names() {
    for preset in PRESETS {
        let mut topology = load(preset).unwrap().topology;
        let (live, names) = run(&topology, |track| {
            let names = Renaming::one("api", "shop");
            track.rename(&names);
            Some(names)
        });
        names.topology(&mut topology);
        let recording = live.sim().recording().iter().cloned();
        topology.scenario.extend(recording);
        let mut replayed = Track::new(&topology, topology.seed, Keeps::LIVE);
        replayed.run_until(at(75));
        assert_eq!(
            format!("{:?}", replayed.results()),
            format!("{:?}", live.results()),
            "{preset}"
        );
    }
}

#[test]
fn names_that_were_given_up_can_be_given_again() {
    let topology = load("sticky-in-memory").unwrap().topology;
    let (plain, _) = run(&topology, |_| None);
    let (twice, _) = run(&topology, |track| {
        track.rename(&Renaming::one("api", "shop"));
        track.run_until(at(25));
        // Both at once: they change places.
        let swap = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        track.rename(
            &[swap("shop", "lb"), swap("lb", "shop")]
                .into_iter()
                .collect(),
        );
        track.rename(
            &[swap("lb", "api"), swap("shop", "lb")]
                .into_iter()
                .collect(),
        );
        None
    });
    assert_eq!(shown(&twice), shown(&plain));
    assert_eq!(twice.sim().topology(), plain.sim().topology());
}
