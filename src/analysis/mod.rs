//! What several runs say together: replications and their confidence, objectives, expectations, predictions of theory.

pub mod ceiling;
mod comparison;
mod comparisons;
pub mod expect;
pub mod jobs;
pub mod objectives;
pub mod parallel;
pub mod replications;
pub mod rewind;
pub mod statistics;
pub mod track;
pub mod validate;

pub use replications::{of_one_run, replicate, so_far};
pub use statistics::Estimate;
pub use track::{Keeps, Track};
