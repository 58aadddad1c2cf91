//! Predictions of theory on the simulator, by the rule of `statescope validate` but in a tenth of the simulated time: a debug
//! build is slow, and the rule allows for being less sure. The whole file is tried by `statescope validate tests/validation/cases.json`
//! in a release build.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

use std::fs;
use std::path::Path;

use statescope::analysis::jobs::machine_threads;
use statescope::analysis::parallel::Control;
use statescope::analysis::validate::{self, Prepared};
use statescope::model::file;

const ONE_IN: u32 = 10;

#[test]
fn the_simulator_agrees_with_theory() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/validation");
    let cases = validate::read(&fs::read_to_string(folder.join("cases.json")).unwrap()).unwrap();
    let prepared: Vec<Prepared> = cases
        .iter()
        .map(|case| {
            let path = folder.join(&case.file);
            let mut topology = file::load(path.to_str().unwrap()).unwrap().topology;
            case.set(&mut topology).unwrap();
            let mut prepared = case.prepare(topology).unwrap();
            prepared.shorten(ONE_IN);
            prepared
        })
        .collect();
    let verdicts = validate::run(&prepared, Control::threads(machine_threads())).0;
    let wrong: Vec<_> = verdicts.iter().filter(|verdict| !verdict.holds()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
