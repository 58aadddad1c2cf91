//! What lies between nodes: links, and what travels over them.

pub(super) mod link;
