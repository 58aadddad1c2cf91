//! The window. Everything here needs the feature `gui`.

pub mod icons;
pub mod raster;
pub mod theme;
pub mod widgets;
