//! Results and topologies in other formats.

pub mod json;
pub mod svg;
pub mod text;
