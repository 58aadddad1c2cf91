//! Which of the targets that are in rotation gets a request.

use crate::model::node::Policy;
use crate::sim::stations::balancer::BalancerBody;
use crate::sim::streams::{below, draw, unit};

/// How finely loads are told apart in a slow start.
const LOAD_STEPS: f64 = 1000.0;
/// How often a target in its slow start is passed over for a request.
const MOST_REFUSALS: u64 = 64;

impl BalancerBody {
    /// A target by a policy; `not` only if there is no other. One in its slow start is taken as often as its weight says,
    /// or counts as that much busier.
    #[inline]
    pub(super) fn choose(
        &mut self,
        policy: Policy,
        bits: u64,
        not: Option<u16>,
        now: u64,
    ) -> Option<u16> {
        if now >= self.slow_until {
            return self.choose_by(policy, bits, not, |balancer, target| {
                balancer.targets[target as usize].in_flight
            });
        }
        self.choose_by_weight(policy, bits, not, now)
    }

    #[cold]
    fn choose_by_weight(
        &mut self,
        policy: Policy,
        bits: u64,
        not: Option<u16>,
        now: u64,
    ) -> Option<u16> {
        if policy.weighs_load() {
            return self.choose_by(policy, bits, not, |balancer, target| {
                let load = balancer.targets[target as usize].in_flight + 1;
                (f64::from(load) / balancer.weight(target, now) * LOAD_STEPS) as u32
            });
        }
        let mut chosen = None;
        for again in 0..MOST_REFUSALS {
            let bits = match again {
                0 => bits,
                _ => draw(self.balance_key ^ again, bits),
            };
            chosen = self.choose_by(policy, bits, not, |_, _| 0);
            let weight = chosen.map_or(1.0, |target| self.weight(target, now));
            if weight == 1.0 || unit(draw(self.balance_key, bits ^ 3)) < weight {
                break;
            }
        }
        chosen
    }

    /// The same by the load that is seen of each.
    #[inline(always)]
    fn choose_by(
        &mut self,
        policy: Policy,
        bits: u64,
        not: Option<u16>,
        load: impl Fn(&Self, u16) -> u32,
    ) -> Option<u16> {
        let not = not.and_then(|target| self.usable.binary_search(&target).ok());
        let n = self.usable.len() - usize::from(not.is_some());
        if n == 0 {
            return not.map(|only| self.usable[only]);
        }
        // Without the one that is to be avoided.
        let nth = |k: usize| {
            let passed = not.is_some_and(|not| not <= k);
            self.usable[k + usize::from(passed)]
        };
        let load = |target: u16| load(self, target);
        let bits = draw(self.balance_key, bits);
        Some(match policy {
            Policy::RoundRobin | Policy::StickyCookie => {
                let (all, turn) = (self.usable.len(), self.turn);
                let mut next = self.usable.partition_point(|&t| u32::from(t) < turn) % all;
                if not == Some(next) {
                    next = (next + 1) % all;
                }
                let chosen = self.usable[next];
                self.turn = u32::from(chosen) + 1;
                chosen
            }
            Policy::Random => nth(below(bits, n as u64) as usize),
            Policy::LeastConnections => {
                let others = (0..).zip(&self.usable).filter(|(k, _)| Some(*k) != not);
                let (mut least, mut ties) = (u32::MAX, 0);
                for (_, &target) in others.clone() {
                    let load = load(target);
                    if load < least {
                        (least, ties) = (load, 0);
                    }
                    ties += u64::from(load == least);
                }
                let mut tied = others.filter(|(_, target)| load(**target) == least);
                *tied.nth(below(bits, ties) as usize)?.1
            }
            Policy::TwoChoices => {
                let n = n as u64;
                let first = below(bits, n);
                let more = draw(self.balance_key, bits ^ 1);
                let second = if self.settings.distinct && n > 1 {
                    (first + 1 + below(more, n - 1)) % n
                } else {
                    below(more, n)
                };
                let (a, b) = (nth(first as usize), nth(second as usize));
                let tie_to_b = draw(self.balance_key, bits ^ 2) & 1 == 1;
                if load(b) < load(a) || (load(a) == load(b) && tie_to_b) {
                    b
                } else {
                    a
                }
            }
        })
    }
}
