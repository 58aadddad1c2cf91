//! What a user describes: nodes, links, workload, scenario; every setting described once.

pub mod cache;
pub mod check;
pub mod difference;
pub mod expect;
pub mod figures;
pub mod file;
pub mod headers;
mod linking;
pub mod naming;
pub mod node;
pub mod part;
mod place;
pub mod presets;
pub mod reference;
pub mod scenario;
pub mod settings;
pub mod sides;
pub mod state;
pub mod toggles;
pub mod topology;
pub mod workload;
mod written;

pub use check::{Problem, Severity, check};
pub use difference::difference;
pub use file::{FileError, Loaded, load};
pub use naming::Renaming;
pub use node::Node;
pub use scenario::{Command, Stop, Timed};
pub use sides::{Side, Sides};
pub use state::{Sessions, State};
pub use topology::{Link, Links, Objectives, SCHEMA, Topology};
