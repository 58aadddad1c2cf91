//! What leaves the simulator: snapshots for a window, figures for results, facts for whoever keeps books of his own, and how
//! much it holds.

pub mod audit;
pub mod backlog;
pub(super) mod counts;
pub mod facts;
pub mod figures;
pub(crate) mod metrics;
mod results;
pub mod size;
pub mod snapshot;
pub(super) mod told;
mod view;
