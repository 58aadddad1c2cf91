//! Pictures of the window's parts, compared with those under `tests/pictures/`.

mod canvas;
mod component_sheet;
mod crowded;
mod popups;
