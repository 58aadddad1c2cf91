//! Pictures without a display: egui's own shapes, as pixels or as a drawing.

pub mod raster;
pub mod vector;

use super::theme;

/// How a picture looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Dark or light.
    pub dark: bool,
    /// Contrast.
    pub settings: theme::Settings,
}
