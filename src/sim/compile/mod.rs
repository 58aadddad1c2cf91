//! From a topology to what runs, and from an edit of it to a change of what runs.

mod change;
mod links;
mod naming;
mod nodes;
mod targets;

pub(super) use nodes::kind_of;
