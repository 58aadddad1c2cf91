//! What lies between nodes: links, what travels over them, and what is wrong with them.

pub(super) mod link;
pub(super) mod troubles;
