//! statescope: where should state live?
pub mod analysis;
#[cfg(feature = "gui")]
pub mod app;
pub mod cli;
pub mod model;
pub mod report;
pub mod sim;
pub mod units;
