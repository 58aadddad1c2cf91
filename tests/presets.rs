//! Every preset loads, makes sense, and survives being written and read again.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

use std::fs;
use std::path::Path;

use statescope::analysis::{Keeps, Track, expect, of_one_run};
use statescope::model::{Problem, Severity, check, file, presets};
use statescope::sim::figures::Figures;
use statescope::sim::{Sim, Watch};

#[test]
fn every_preset_makes_sense() {
    for preset in presets::all() {
        let loaded = statescope::model::load(preset.name).unwrap();
        let problems = check(&loaded.topology);
        assert!(problems.is_empty(), "{}: {problems:#?}", preset.name);
        assert!(!loaded.topology.expects.is_empty());
        assert!(loaded.topology.summary.len() > 80);
        for name in loaded.topology.nodes.keys() {
            assert!(loaded.topology.canvas.contains_key(name), "{name} is drawn");
        }
    }
}

/// The figure at a path of the results.
fn figure(results: &Figures, path: &str) -> f64 {
    match results.at(path) {
        Some(Figures::Figure(Some(value))) => *value,
        other => panic!("{path}: {other:?}"),
    }
}

#[test]
fn every_preset_keeps_what_it_expects_and_its_balances_over_20_seeds() {
    for preset in presets::all() {
        let topology = statescope::model::load(preset.name).unwrap().topology;
        for seed in 1..=20 {
            let mut track = Track::new(&topology, seed, Keeps::SCENARIO);
            track.run_until(topology.duration);
            let results = of_one_run(track.results(), &topology);
            for text in &topology.expects {
                expect::check(&results, &text.parse().unwrap())
                    .unwrap_or_else(|error| panic!("{}, seed {seed}: {error}", preset.name));
            }
            let counts = track.snapshot();
            let (writes, sessions) = (counts.writes, counts.sessions);
            assert!(writes.acknowledged > 1000, "{}", preset.name);
            assert_eq!(
                writes.acknowledged,
                writes.held + writes.lost,
                "{}",
                preset.name
            );
            assert_eq!(
                sessions.initial + sessions.created,
                sessions.live
                    + sessions.expired
                    + sessions.logged_out
                    + sessions.revoked
                    + sessions.lost,
                "{}, seed {seed}: {sessions:?}",
                preset.name
            );
            assert_eq!(figure(&results, "writes.lost"), writes.lost as f64);
            assert_eq!(figure(&results, "sessions.lost"), sessions.lost as f64);
        }
    }
}

#[test]
fn state_and_sessions_in_a_store_lose_nothing_where_memory_does() {
    let mut topology = statescope::model::load("sticky-in-memory")
        .unwrap()
        .topology;
    for (path, value) in [
        ("nodes.store", "RedisLike()"),
        ("nodes.api.state", "External(store: \"store\")"),
        ("sessions", "ServerSide(store: \"store\")"),
    ] {
        topology.set_path(path, value).unwrap();
    }
    let errors = |problem: &Problem| problem.severity == Severity::Error;
    assert!(!check(&topology).iter().any(errors));
    for seed in 1..=5 {
        let mut sim = Sim::new(&topology, seed, Watch { live: true });
        sim.run_until(topology.duration);
        let counts = sim.snapshot();
        assert_eq!((counts.writes.lost, counts.sessions.lost), (0, 0));
    }
}

#[test]
fn every_preset_is_read_and_written_back_the_same() {
    for preset in presets::all() {
        let loaded = statescope::model::load(preset.name).unwrap_or_else(|error| panic!("{error}"));
        let written = file::write(&loaded.topology);
        let again =
            file::read(&written, preset.name).unwrap_or_else(|error| panic!("{error}\n{written}"));
        assert_eq!(again, loaded.topology, "{written}");
        assert_eq!(file::write(&again), written);
    }
}

#[test]
fn saving_an_unedited_preset_writes_its_own_bytes_and_an_edited_one_says_that_comments_go() {
    for preset in presets::all() {
        let loaded = statescope::model::load(preset.name).unwrap();
        assert_eq!(loaded.text_for(&loaded.topology), preset.text);
        assert!(file::comments_lost(preset.text), "{}", preset.name);
        let mut edited = loaded.topology.clone();
        edited.set_path("nodes.api.instances", "7").unwrap();
        let text = loaded.text_for(&edited);
        assert_eq!(file::read(&text, "edited").unwrap(), edited);
        assert!(!file::comments_lost(&text));
    }
}

#[test]
fn every_file_of_the_folder_is_embedded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("presets");
    let mut files: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut embedded: Vec<String> = presets::all()
        .iter()
        .map(|preset| format!("{}.ron", preset.name))
        .collect();
    embedded.sort();
    assert_eq!(
        files, embedded,
        "left: presets/, right: src/model/presets.rs"
    );
}
