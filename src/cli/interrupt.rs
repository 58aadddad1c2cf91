//! Ctrl+C: work ends with what is known so far; a second one ends the program at once.

use std::process::exit;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Failure;
use crate::analysis::parallel::{Cut, Why};

/// Exit status of what was interrupted, as shells know it: 128 and the signal's number.
pub const STATUS: u8 = 130;

static ASKED: AtomicBool = AtomicBool::new(false);
static LISTENS: Once = Once::new();

/// Becomes true at the first Ctrl+C from now on.
pub fn flag() -> &'static AtomicBool {
    LISTENS.call_once(|| {
        // Where the system lets nobody listen, Ctrl+C ends the program, as it does by default.
        let _ = ctrlc::set_handler(|| {
            if ASKED.swap(true, Ordering::Relaxed) {
                exit(i32::from(STATUS));
            }
        });
    });
    &ASKED
}

/// How a command ends whose work was cut, after it has printed what is known.
pub fn failure(cut: &Cut, name: &str) -> Failure {
    match &cut.why {
        Why::Cancelled => Failure {
            status: STATUS,
            message: "interrupted: the results are of what was simulated until then".to_owned(),
        },
        Why::Full(sentence) => Failure::input(format!(
            "{name}: stopped at {} s of simulated time: {sentence}. Or allow more with --memory",
            cut.at.secs()
        )),
        Why::Failed(why) => Failure::input(format!(
            "{name}: the simulation failed {why}. This is a defect of statescope: please report it with the file"
        )),
    }
}
