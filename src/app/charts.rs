//! The time surface: schedule, throughput, response time, losses on one axis.

use super::action::Action;
use super::state::View;

/// The charts: the span of time they show, and what they keep of what was drawn.
#[derive(Debug, Default)]
pub struct Charts {}

impl Charts {
    /// Shows them in all the room there is; returns what was asked for.
    pub fn ui(&mut self, ui: &mut egui::Ui, view: &View) -> Vec<Action> {
        let _ = (ui, view);
        Vec::new()
    }
}
