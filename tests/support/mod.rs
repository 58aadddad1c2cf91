//! What several test files use; each uses a part.

#![allow(dead_code)]
#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

pub mod cases;
#[cfg(feature = "gui")]
pub mod drawn;
#[cfg(feature = "gui")]
pub mod hand;
#[cfg(feature = "gui")]
pub mod pictures;
pub mod reference;
pub mod scenarios;
pub mod systems;
#[cfg(feature = "gui")]
pub mod window;
