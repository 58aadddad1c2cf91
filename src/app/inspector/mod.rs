//! What is selected: its toggles, figures and settings.

use super::action::Action;
use super::state::View;

/// The inspector: what it has measured in the background, and what is being typed.
#[derive(Debug, Default)]
pub struct Inspector {}

impl Inspector {
    /// Shows it in all the room there is; returns what was asked for.
    pub fn ui(&mut self, ui: &mut egui::Ui, view: &View) -> Vec<Action> {
        let _ = (ui, view);
        Vec::new()
    }
}
