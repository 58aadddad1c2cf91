//! statescope: where should state live?
pub mod model;
pub mod sim;
pub mod units;
