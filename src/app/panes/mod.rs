//! What the window consists of, a pane each: it draws from a [`View`](crate::app::run::state::View) and returns what was asked for.

pub mod canvas;
pub mod charts;
pub mod inspector;
pub mod log;
mod naming;
mod promising;
pub mod schedule;
pub mod standing;
pub mod start;
pub mod topbar;
pub mod transport;
pub mod verdicts;
