//! The topology, drawn: cards, links, what flows and what is lost.

pub mod mini;

use super::action::Action;
use super::state::View;

/// The canvas: its pan and zoom, and what is being dragged.
#[derive(Debug, Default)]
pub struct Canvas {}

impl Canvas {
    /// Shows the canvas in all the room there is; returns what was asked for.
    pub fn ui(&mut self, ui: &mut egui::Ui, view: &View) -> Vec<Action> {
        let _ = (ui, view);
        Vec::new()
    }

    /// Zooms to a scale (1 is 100 %) around the middle.
    pub fn zoom_to(&mut self, _zoom: f32) {}

    /// Zooms and moves so that everything is seen, at the next frame.
    pub fn fit(&mut self) {}
}
