//! Pictures of the window's parts, compared with those under `tests/pictures/`.

#![cfg(feature = "gui")]
#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

#[path = "pictures/canvas.rs"]
mod canvas;
#[path = "pictures/component_sheet.rs"]
mod component_sheet;
#[path = "pictures/crowded.rs"]
mod crowded;
#[path = "pictures/popups.rs"]
mod popups;
mod support;
