//! What operations did, for whoever sets two runs side by side.

/// How an operation ended, for whoever compares runs (see `Sim::tell_operations`).
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// When it was meant to start, in nanoseconds.
    pub intended: u64,
    /// From then to its end.
    pub took: u64,
    /// It completed.
    pub completed: bool,
    /// It completed within the objective, or else its client's timeout.
    pub good: bool,
}

/// What operations did since somebody asked last. Logins that another operation waits for belong to that one.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// When operations were meant to start, in nanoseconds, in order.
    pub started: Vec<u64>,
    /// Operations that ended.
    pub ended: Vec<Ended>,
}
