//! A link between two nodes, and what has travelled over it.

use crate::sim::observe::snapshot::CallCounts;
use crate::sim::traffic::call::Outcome;

/// What a link's calls are to whoever makes them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Way {
    FromBalancer,
    ToService,
    /// From an instance of a service to another.
    ToPeer,
    ToStore,
}

#[derive(Clone, Debug)]
pub(in crate::sim) struct LinkSlot {
    pub way: Way,
    pub from: u16,
    pub to: u16,
    pub removed: bool,
    pub implied: bool,
    pub salt: u64,
    pub latency: u64,
    /// Nanoseconds a byte takes; 0: none.
    pub ns_per_byte: f64,
    /// When the last byte has left, there and back.
    pub busy_until: [u64; 2],
    pub messages: u64,
    pub bytes: u64,
    pub messages_at_warmup: u64,
    pub bytes_at_warmup: u64,
    pub calls: Vec<CallCounts>,
    /// Turn of round robin where no balancer stands in front.
    pub turn: u32,
}

impl LinkSlot {
    /// A message of so many bytes sets out; gives the time at which it arrives, and how long its bytes take to leave.
    #[inline(always)]
    pub(in crate::sim) fn carry(&mut self, bytes: u32, reply: bool, now: u64) -> (u64, u64) {
        self.messages += 1;
        self.bytes += u64::from(bytes);
        if self.ns_per_byte <= 0.0 {
            return (now.saturating_add(self.latency), 0);
        }
        // Behind what a slow link is still sending it may be due after the end of time.
        // Through a signed number, which converts in one instruction.
        let sending = (f64::from(bytes) * self.ns_per_byte) as i64 as u64;
        let busy_until = &mut self.busy_until[usize::from(reply)];
        let left = now.max(*busy_until).saturating_add(sending);
        *busy_until = left;
        (left.saturating_add(self.latency), sending)
    }

    /// What is still to be sent takes only such a share of its time: what comes now waits so much less.
    pub(in crate::sim) fn leaves_faster(&mut self, now: u64, share: f64) {
        for busy_until in &mut self.busy_until {
            let left = busy_until.saturating_sub(now);
            *busy_until = now.saturating_add((left as f64 * share) as u64);
        }
    }

    /// Counts a call that has come back from an instance.
    #[inline(always)]
    pub(in crate::sim) fn count(&mut self, instance: u16, outcome: Outcome, retried: bool) {
        let Some(counts) = self.calls.get_mut(instance as usize) else {
            return self.count_first(instance, outcome, retried);
        };
        match outcome {
            Outcome::Done if retried => counts.retried += 1,
            Outcome::Done => counts.completed += 1,
            Outcome::Failed(_) => counts.failed += 1,
        }
    }

    #[cold]
    fn count_first(&mut self, instance: u16, outcome: Outcome, retried: bool) {
        let counted = usize::from(instance) + 1;
        self.calls.resize(counted, CallCounts::default());
        self.count(instance, outcome, retried);
    }
}
