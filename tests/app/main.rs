//! The window, used by mouse, keyboard and screen reader, without a display.
//!
//! One program: each would link the whole library anew.

#![cfg(feature = "gui")]
#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

#[path = "../support/mod.rs"]
mod support;

mod canvas;
mod drawing;
mod editing;
mod links;
mod monkey;
mod pictures;
mod promises;
mod rename;
mod room;
mod take_away;
mod timeline;
mod widgets;
mod window;
