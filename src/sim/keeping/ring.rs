//! Which of several members a key belongs to, by its hash.

use crate::model::state::Partitioning;
use crate::sim::keeping::keys::Key;
use crate::sim::room::room;
use crate::sim::streams::draw;

/// How keys are spread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Scheme {
    /// The hash modulo the number of members.
    Modulo,
    /// The next of so many points of each member on a ring (Karger et al. 1997).
    ConsistentHash(u32),
    /// The member whose hash together with the key is the greatest (Thaler and Ravishankar 1998).
    Rendezvous,
}

impl Scheme {
    /// That of a setting; `None` if keys are not spread.
    pub(in crate::sim) fn of(partitioning: &Partitioning) -> Option<Self> {
        Some(match partitioning {
            Partitioning::None => return None,
            Partitioning::Modulo => Self::Modulo,
            Partitioning::ConsistentHash(ring) => Self::ConsistentHash(ring.virtual_nodes),
            Partitioning::Rendezvous => Self::Rendezvous,
        })
    }
}

/// Members, each known by a number that stays its own, and what belongs to whom.
#[derive(Clone, Debug)]
pub(in crate::sim) struct Ring {
    scheme: Scheme,
    hash: u64,
    members: Vec<u32>,
    /// Where the members' points stand, in order, and whose they are, by place in `members`.
    points: Vec<(u64, u16)>,
}

/// Tells hashes of points from those of keys.
const POINT: u64 = 1 << 63;

impl Ring {
    /// Of these members; `hash` decides where on the ring they and keys are.
    pub(in crate::sim) fn new(scheme: Scheme, hash: u64, members: Vec<u32>) -> Self {
        let mut points = Vec::new();
        if let Scheme::ConsistentHash(each) = scheme {
            for (place, &member) in (0u16..).zip(&members) {
                let its = (0..each).map(|nth| POINT | u64::from(member) << 16 | u64::from(nth));
                points.extend(its.map(|point| (draw(hash, point), place)));
            }
            points.sort_unstable();
        }
        Self {
            scheme,
            hash,
            members,
            points,
        }
    }

    pub(in crate::sim) fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(in crate::sim) fn bytes(&self) -> usize {
        room::<u32>(self.members.len()) + room::<(u64, u16)>(self.points.len())
    }

    /// The place of the member that a key belongs to, of those that are `able`; `None` if none is.
    pub(in crate::sim) fn owner_of(&self, key: Key, able: impl Fn(usize) -> bool) -> Option<usize> {
        let at = draw(self.hash, key);
        match self.scheme {
            Scheme::Modulo => {
                let n = (0..self.members.len()).filter(|&m| able(m)).count() as u64;
                let nth = at.checked_rem(n)?;
                (0..self.members.len())
                    .filter(|&m| able(m))
                    .nth(nth as usize)
            }
            Scheme::ConsistentHash(_) => {
                let next = self.points.partition_point(|&(point, _)| point < at);
                let round = self.points[next..].iter().chain(&self.points[..next]);
                round
                    .map(|&(_, member)| usize::from(member))
                    .find(|&m| able(m))
            }
            Scheme::Rendezvous => {
                let weight = |member: u32| draw(draw(self.hash, POINT | u64::from(member)), at);
                (0..self.members.len())
                    .filter(|&m| able(m))
                    .max_by_key(|&m| weight(self.members[m]))
            }
        }
    }

    /// The place of the member that a key belongs to. There is one at least.
    #[inline]
    pub(in crate::sim) fn owner(&self, key: Key) -> usize {
        match self.scheme {
            Scheme::Modulo => (draw(self.hash, key) % self.members.len().max(1) as u64) as usize,
            _ => self.owner_of(key, |_| true).unwrap_or(0),
        }
    }

    /// The largest share of all hashes that a member has, over the mean share.
    pub(in crate::sim) fn largest_share(&self) -> f64 {
        if self.points.is_empty() {
            return 1.0;
        }
        // What lies between a point and the one before it belongs to the point.
        let mut shares = vec![0u128; self.members.len()];
        let mut before = self.points.last().map_or(0, |last| last.0);
        for &(point, member) in &self.points {
            shares[usize::from(member)] += u128::from(point.wrapping_sub(before));
            before = point;
        }
        let (all, most) = (shares.iter().sum::<u128>(), shares.iter().max());
        if self.points.len() == 1 || all == 0 {
            return 1.0;
        }
        *most.unwrap_or(&0) as f64 * self.members.len() as f64 / all as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: u64 = 20_000;
    const SCHEMES: [Scheme; 3] = [
        Scheme::Modulo,
        Scheme::ConsistentHash(100),
        Scheme::Rendezvous,
    ];

    /// The share of keys that another member has once there is one more.
    fn moved(scheme: Scheme, hash: u64) -> f64 {
        let [four, five] = [4, 5].map(|n| Ring::new(scheme, hash, (1..=n).collect()));
        let moved = (0..KEYS).filter(|&key| four.owner(key) != five.owner(key));
        moved.count() as f64 / KEYS as f64
    }

    #[test]
    fn one_more_member_takes_its_share_and_modulo_moves_the_rest_as_well() {
        // Over rings drawn anew, within 3.5 standard errors of the mean.
        for (scheme, expected, spread) in [
            (SCHEMES[0], 0.8, 0.003),
            (SCHEMES[1], 0.2, 0.018),
            (SCHEMES[2], 0.2, 0.003),
        ] {
            let mean = (0..20).map(|hash| moved(scheme, hash)).sum::<f64>() / 20.0;
            let within = 3.5 * spread / f64::from(20).sqrt();
            assert!(
                (mean - expected).abs() < within,
                "{scheme:?}: {mean}, expected {expected} +- {within}"
            );
        }
    }

    /// With a ring or the greatest hash, whoever keeps its place keeps its keys: they only go to the new one.
    #[test]
    fn keys_go_only_to_whoever_is_new() {
        for scheme in [SCHEMES[1], SCHEMES[2]] {
            let [four, five] = [4, 5].map(|n| Ring::new(scheme, 7, (1..=n).collect()));
            for key in 0..KEYS {
                let owner = five.owner(key);
                assert!(owner == 4 || owner == four.owner(key));
            }
        }
    }

    #[test]
    fn without_one_its_keys_go_to_others_and_those_keep_theirs() {
        for scheme in [SCHEMES[1], SCHEMES[2]] {
            let ring = Ring::new(scheme, 3, (1..=4).collect());
            for key in 0..KEYS {
                let able = ring.owner_of(key, |member| member != 2);
                let owner = ring.owner(key);
                assert!(able != Some(2) && (owner == 2 || able == Some(owner)));
            }
            assert_eq!(ring.owner_of(5, |_| false), None);
        }
    }

    #[test]
    fn the_largest_share_of_a_ring_is_what_keys_find() {
        for scheme in SCHEMES {
            let ring = Ring::new(scheme, 11, (1..=4).collect());
            let mut found = [0; 4];
            (0..KEYS).for_each(|key| found[ring.owner(key)] += 1);
            let most = found.iter().max().copied().unwrap_or(0);
            let largest = 4.0 * f64::from(most) / KEYS as f64;
            let within = 3.5 * (3.0 / KEYS as f64).sqrt();
            assert!(
                (ring.largest_share() - largest).abs() < within,
                "{scheme:?}"
            );
        }
        let alone = Ring::new(SCHEMES[1], 1, vec![1]);
        assert_eq!(alone.largest_share(), 1.0);
    }
}
