//! What happened and what it cost.

use super::action::Action;
use super::state::View;

/// The event log: what it has made of the happenings so far.
#[derive(Debug, Default)]
pub struct Log {}

impl Log {
    /// Shows it in all the room there is; returns what was asked for.
    pub fn ui(&mut self, ui: &mut egui::Ui, view: &View) -> Vec<Action> {
        let _ = (ui, view);
        Vec::new()
    }

    /// The latest happening on one line of 28 points, for windows without room for the pane.
    pub fn line_ui(&mut self, ui: &mut egui::Ui, view: &View) -> Vec<Action> {
        let _ = (ui, view);
        Vec::new()
    }
}
