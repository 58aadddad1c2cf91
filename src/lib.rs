//! statescope: where should state live?
//!
//! [`model`] is what a user describes: a topology of nodes and links, where each service keeps its state, how sessions
//! are kept, and what goes wrong when. [`sim`] runs it, request by request, and keeps a ledger of every acknowledged
//! write. [`analysis`] says what several runs say together, [`report`] writes it down, [`cli`] and `app` (the window)
//! show it. Each layer knows only those before it.
//!
//! ```
//! use statescope::sim::{Sim, Watch};
//!
//! let topology = statescope::model::load("sticky-in-memory")?.topology;
//! let mut sim = Sim::new(&topology, 1, Watch { live: false });
//! sim.run_until(topology.duration);
//! let writes = sim.snapshot().writes;
//! assert_eq!(writes.acknowledged, writes.held + writes.lost);
//! # Ok::<(), statescope::model::FileError>(())
//! ```
pub mod analysis;
#[cfg(feature = "gui")]
pub mod app;
pub mod cli;
pub mod model;
pub mod report;
pub mod sim;
pub mod units;
