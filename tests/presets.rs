//! Every preset loads, makes sense, and survives being written and read again.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

use std::fs;
use std::path::Path;

use statescope::model::{check, file, presets};

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
