//! The program `statescope`.
fn main() {}
