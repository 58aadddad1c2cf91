//! State that goes to another place.

use crate::sim::facts::Fact;
use crate::sim::{Sim, Timer};
use crate::units::SECOND;

use super::COPY_BYTES_PER_S;

impl Sim {
    /// A log's content goes to other logs, which hold it from now on; it is retired.
    pub(in crate::sim) fn hand_log_over(&mut self, log: u32, to: &[u32]) -> u64 {
        if to.is_empty() {
            return 0;
        }
        let held = self.logs[log as usize].hand_over();
        let versions = std::mem::take(&mut self.logs[log as usize].versions);
        self.logs[log as usize].retired = true;
        self.logs[log as usize].moving = false;
        self.logs[log as usize].online = false;
        let (now, stamp, value_size) = (self.now, self.stamp, self.value_size);
        let n = to.len() as u64;
        let mut shares = Vec::new();
        for (index, &target) in to.iter().enumerate() {
            let share = held / n + u64::from((index as u64) < held % n);
            let here = &mut self.logs[target as usize];
            let number = here.take_over(now, stamp, share, share.saturating_mul(value_size));
            shares.push(((target, number), share));
            for (key, &theirs) in versions.iter() {
                let mine = here.versions.entry(key);
                *mine = (*mine).max(theirs);
            }
        }
        self.logs[log as usize].forward = shares.first().map(|share| share.0);
        self.tell(Fact::HandedOver { log, to: shares });
        for &target in to {
            self.keep_up(target);
        }
        for (key, newest) in self.newest.iter_mut() {
            if newest.log == log && newest.stamp > 0 {
                newest.log = to[(key % n) as usize];
            }
        }
        held
    }

    /// Begins to move a log to a new place; it answers until that is done.
    pub(in crate::sim) fn start_move(&mut self, log: u32, to: Vec<u32>) {
        self.logs[log as usize].moving = true;
        let took = self.state_bytes(log) as f64 / COPY_BYTES_PER_S * 1e9;
        self.timer_after(took as u64, Timer::Moved { log, to });
    }

    pub(in crate::sim) fn moved(&mut self, log: u32, to: &[u32]) {
        // Its instance may have died while it moved; then it stays what its death made of it, until it is back.
        if self.logs[log as usize].retired {
            return;
        }
        if !self.logs[log as usize].online {
            return self.timer_after(
                SECOND,
                Timer::Moved {
                    log,
                    to: to.to_vec(),
                },
            );
        }
        // The new place may itself have moved on.
        let mut there: Vec<u32> = Vec::new();
        for &target in to {
            let mut at = target;
            while let Some((next, _)) = self.logs[at as usize].forward {
                at = next;
            }
            if at != log && !self.logs[at as usize].retired && !there.contains(&at) {
                there.push(at);
            }
        }
        if there.is_empty() {
            // Nobody takes it: it stays where it is, and the move is over.
            self.logs[log as usize].moving = false;
            return;
        }
        self.hand_log_over(log, &there);
    }
}
