//! The time surface: schedule, throughput, response time, losses on one axis.

use super::action::Action;
use super::state::View;

/// Shows it in all the room there is; returns what was asked for.
pub fn ui(ui: &mut egui::Ui, view: &View) -> Vec<Action> {
    let _ = (ui, view);
    Vec::new()
}
