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

/// What operations of one node of clients did since somebody asked last. Logins that another operation waits for belong to
/// that one.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// When operations were meant to start, in nanoseconds, in order.
    pub started: Vec<u64>,
    /// Operations that ended.
    pub ended: Vec<Ended>,
}

impl Told {
    /// Whether nothing started or ended.
    pub fn is_empty(&self) -> bool {
        self.started.is_empty() && self.ended.is_empty()
    }

    pub(in crate::sim) fn clear(&mut self) {
        self.started.clear();
        self.ended.clear();
    }

    /// What is told of the clients of that number.
    #[inline(always)]
    pub(in crate::sim) fn of(told: &mut Vec<Self>, client: u16) -> &mut Self {
        let client = usize::from(client);
        if client >= told.len() {
            Self::make_room(told, client);
        }
        &mut told[client]
    }

    #[cold]
    fn make_room(told: &mut Vec<Self>, client: usize) {
        told.resize_with(client + 1, Self::default);
    }
}
