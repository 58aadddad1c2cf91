//! The window. Everything here needs the feature `gui`.

pub mod action;
pub mod canvas;
pub mod charts;
pub mod document;
pub mod events;
pub mod format;
pub mod history;
pub mod icons;
pub mod inspector;
pub mod log;
pub mod raster;
pub mod readings;
pub mod runner;
#[cfg(test)]
mod sample;
pub mod state;
pub mod theme;
pub mod widgets;
