//! statescope: where should state live?
#[cfg(feature = "gui")]
pub mod app;
pub mod model;
pub mod sim;
pub mod units;
