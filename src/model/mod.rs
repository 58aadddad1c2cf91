//! What a user describes: nodes, links, workload, scenario; every setting described once.

pub mod expect;
pub mod node;
pub mod scenario;
pub mod settings;
pub mod state;
pub mod topology;
pub mod workload;

pub use node::Node;
pub use scenario::{Command, Stop, Timed};
pub use state::{Sessions, State};
pub use topology::{Link, Links, Objectives, SCHEMA, Topology};
