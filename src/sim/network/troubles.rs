//! What is wrong with the network: cuts, slow and lossy paths, and how far zones are apart.
//!
//! Whatever goes from one [`Spot`] to another asks here what it meets on the way. A trouble lies between two sides, not on a
//! link, so that it strikes requests, replies, probes and copies alike.

use crate::model::settings::{SettingError, unknown_name};
use crate::model::{Command, Side, Sides};
use crate::sim::Sim;
use crate::sim::ids::NO_INSTANCE;
use crate::sim::observe::snapshot::{Extent, NodeKind, Status, Trouble as TroubleView, What};
use crate::sim::streams::{draw, unit};

/// A lost segment is sent again after so long, then after twice as long, and so on: least and longest wait (Linux,
/// `TCP_RTO_MIN` and `TCP_RTO_MAX`; doubling is RFC 6298, 5.5).
const FIRST_RETRANSMISSION_NS: u64 = 200_000_000;
const LONGEST_RETRANSMISSION_NS: u64 = 120_000_000_000;
/// Linux, `tcp_retries2`.
const RETRANSMISSIONS: u32 = 15;

/// Where something that sends or receives is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) struct Spot {
    pub node: u16,
    /// `NO_INSTANCE`: it has none, or nothing is known of it.
    pub instance: u16,
    /// 0: in none.
    zone: u16,
}

impl Spot {
    /// Somebody who is no instance of the topology: at a node, or nowhere in particular, in a zone or in none (0).
    pub(in crate::sim) fn outside(node: u16, zone: u16) -> Self {
        Self {
            node,
            instance: NO_INSTANCE,
            zone,
        }
    }

    pub(in crate::sim) fn zone(self) -> u16 {
        self.zone
    }

    pub(in crate::sim) fn is_in(self, zone: u16) -> bool {
        self.zone == zone
    }
}

/// A side, with names looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Node(u16),
    Instance(u16, u16),
    Zone(u16),
    Rest,
}

impl Place {
    fn holds(self, spot: Spot, other: Self) -> bool {
        match self {
            Self::Node(node) => spot.node == node,
            Self::Instance(node, instance) => (spot.node, spot.instance) == (node, instance),
            Self::Zone(zone) => spot.zone == zone,
            Self::Rest => other == Self::Rest || !other.holds(spot, Self::Rest),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Cut {
        both_ways: bool,
    },
    /// So many times as slow.
    Slow(f64),
    /// Such a share is lost.
    Lossy(f64),
}

#[derive(Clone, Copy, Debug)]
struct Trouble {
    from: Place,
    to: Place,
    kind: Kind,
    fault: u32,
}

impl Trouble {
    /// Whether it lies between the same sides, in any order.
    fn is_between(&self, other: &Self) -> bool {
        let sides = (other.from, other.to);
        (self.from, self.to) == sides || (self.to, self.from) == sides
    }

    /// Whether it lies between the same sides, the same way round if that matters.
    fn covers(&self, other: &Self) -> bool {
        let one_way = [self.kind, other.kind].contains(&Kind::Cut { both_ways: false });
        (self.from, self.to) == (other.from, other.to) || (!one_way && self.is_between(other))
    }

    /// How slow, or how lossy, a way is can change; what is cut is cut.
    fn is_replaced_by(&self, other: &Self) -> bool {
        matches!(
            (self.kind, other.kind),
            (Kind::Slow(_), Kind::Slow(_)) | (Kind::Lossy(_), Kind::Lossy(_))
        )
    }

    /// Whether it strikes what goes from one to the other.
    fn strikes(&self, from: Spot, to: Spot) -> bool {
        let holds = |a: Spot, b: Spot| self.from.holds(a, self.to) && self.to.holds(b, self.from);
        let one_way = self.kind == Kind::Cut { both_ways: false };
        holds(from, to) || (!one_way && holds(to, from))
    }
}

/// What a message meets on its way, all troubles together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::sim) struct Met {
    /// The fault it is cut off through.
    pub cut: Option<u32>,
    pub slower: f64,
    pub loss: f64,
    /// The fault that hinders it.
    pub fault: Option<u32>,
}

/// The way of a stream between two spots, which needs both directions: it acknowledges what it gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::sim) struct Path {
    /// The fault it does not come through.
    pub cut: Option<u32>,
    /// How much longer than within a zone one way takes.
    pub far: u64,
    /// So many times as long each part takes: the way is slow, or parts are sent more than once.
    pub slower: f64,
}

impl Path {
    /// How long what takes so long on a plain way takes.
    pub(in crate::sim) fn takes(&self, ns: u64) -> u64 {
        (ns.saturating_add(self.far) as f64 * self.slower) as u64
    }
}

/// The network as a whole.
#[derive(Clone, Debug, Default)]
pub(in crate::sim) struct Network {
    /// Names of zones; the first has number 1.
    zones: Vec<String>,
    /// How much longer a message takes between zones, in nanoseconds.
    pub zone_ns: u64,
    troubles: Vec<Trouble>,
}

impl Network {
    /// Whether a message may meet anything at all.
    #[inline(always)]
    pub(in crate::sim) fn is_plain(&self) -> bool {
        self.troubles.is_empty() && self.zones.is_empty()
    }

    #[inline(always)]
    pub(in crate::sim) fn is_sound(&self) -> bool {
        self.troubles.is_empty()
    }

    /// The number of a zone, given now if it has none.
    pub(in crate::sim) fn zone(&mut self, name: &str) -> u16 {
        let known = self.zones.iter().position(|zone| zone == name);
        let at = known.unwrap_or_else(|| {
            self.zones.push(name.to_owned());
            self.zones.len() - 1
        });
        at as u16 + 1
    }

    /// What goes from one to the other meets.
    pub(in crate::sim) fn meets(&self, from: Spot, to: Spot) -> Met {
        let mut met = Met {
            cut: None,
            slower: 1.0,
            loss: 0.0,
            fault: None,
        };
        for trouble in self.troubles.iter().filter(|t| t.strikes(from, to)) {
            match trouble.kind {
                Kind::Cut { .. } => met.cut = met.cut.or(Some(trouble.fault)),
                Kind::Slow(factor) => met.slower *= factor,
                Kind::Lossy(share) => met.loss = 1.0 - (1.0 - met.loss) * (1.0 - share),
            }
            met.fault = met.fault.or(Some(trouble.fault));
        }
        met
    }

    /// The faults that it suffers from now, oldest first.
    pub(in crate::sim) fn faults(&self) -> Vec<usize> {
        let mut faults: Vec<usize> = self.troubles.iter().map(|t| t.fault as usize).collect();
        faults.sort_unstable();
        faults
    }

    /// What is wrong between pairs of spots, all together.
    fn trouble_on(&self, pairs: impl Iterator<Item = (Spot, Spot)>) -> TroubleView {
        let mut view = TroubleView::default();
        let (mut all, mut cut) = (0, [0; 2]);
        for (a, b) in pairs {
            all += 1;
            for (way, (from, to)) in [(a, b), (b, a)].into_iter().enumerate() {
                let met = self.meets(from, to);
                cut[way] += u32::from(met.cut.is_some());
                view.slower = view.slower.max(met.slower);
                view.loss = view.loss.max(met.loss);
            }
            let strikes = |t: &&Trouble| t.strikes(a, b) || t.strikes(b, a);
            for trouble in self.troubles.iter().filter(strikes) {
                let fault = trouble.fault as usize;
                if !view.faults.contains(&fault) {
                    view.faults.push(fault);
                }
            }
        }
        view.faults.sort_unstable();
        view.cut = cut.map(|cut| match cut {
            0 => Extent::None,
            some if some < all => Extent::Some,
            _ => Extent::All,
        });
        view
    }

    fn are_in_different_zones(from: Spot, to: Spot) -> bool {
        from.zone != 0 && to.zone != 0 && from.zone != to.zone
    }

    /// How long a message waits until it has got through, of which such a share is lost. `bits`: its identity.
    fn retransmissions(loss: f64, bits: u64) -> u64 {
        let lost =
            (0..RETRANSMISSIONS).take_while(|&attempt| unit(draw(bits, u64::from(attempt))) < loss);
        let waits =
            lost.map(|attempt| (FIRST_RETRANSMISSION_NS << attempt).min(LONGEST_RETRANSMISSION_NS));
        waits.sum()
    }
}

impl Sim {
    /// Where an instance is; of what has no instances, where the node is.
    pub(in crate::sim) fn spot(&self, node: u16, instance: u16) -> Spot {
        let here = &self.nodes[node as usize];
        let has_instances = !matches!(here.kind, NodeKind::Clients | NodeKind::LoadBalancer);
        let zones = &here.zones;
        let number = |at: u16| here.instances.get(at as usize).map_or(0, |i| i.number - 1);
        Spot {
            node,
            instance: if has_instances { instance } else { NO_INSTANCE },
            zone: match zones.len() {
                0 => 0,
                _ if instance == NO_INSTANCE => 0,
                n => zones[number(instance) as usize % n],
            },
        }
    }

    /// The name of the zone that an instance is in.
    pub(in crate::sim) fn zone_of(&self, node: u16, instance: u16) -> Option<String> {
        let zone = usize::from(self.spot(node, instance).zone);
        let at = zone.checked_sub(1)?;
        self.network.zones.get(at).cloned()
    }

    /// Who sends over a link on behalf of a call, or of a client: its node, and the instance there, if it has any.
    pub(in crate::sim) fn caller(&self, link: u16, call: u32) -> (u16, u16) {
        let from = self.links[link as usize].from;
        let is_service = self.nodes[from as usize].kind == NodeKind::Service;
        let instance = match self.calls.get(call as usize) {
            Some(call) if is_service && !call.free && call.node == from => call.instance,
            _ => NO_INSTANCE,
        };
        (from, instance)
    }

    /// Where a call comes from, and where it goes to.
    fn spots_of(&self, index: u32) -> (Spot, Spot) {
        let call = &self.calls[index as usize];
        let (caller, instance) = self.caller(call.link, call.parent);
        (
            self.spot(caller, instance),
            self.spot(call.node, call.instance),
        )
    }

    /// When a message gets there that would do so at `at` if it met nothing; `None` if it meets nothing.
    #[cold]
    pub(in crate::sim) fn hindered(
        &mut self,
        index: u32,
        reply: bool,
        sent: u64,
        at: u64,
    ) -> Option<u64> {
        let (caller, called) = self.spots_of(index);
        let (from, to) = if reply {
            (called, caller)
        } else {
            (caller, called)
        };
        let met = self.network.meets(from, to);
        let far = if Network::are_in_different_zones(from, to) {
            self.network.zone_ns
        } else {
            0
        };
        if met.slower == 1.0 && met.loss == 0.0 && far == 0 {
            return None;
        }
        let call = &self.calls[index as usize];
        let (op, bits) = (
            call.op,
            draw(call.draw, u64::from(call.tries) << 1 | u64::from(reply)),
        );
        let link = &mut self.links[call.link as usize];
        let bits = draw(bits, u64::from(call.link));
        let longer = |ns: u64| (ns as f64 * (met.slower - 1.0)) as u64;
        // The time its bytes take, which what is sent after it waits for.
        let leaving = longer(sent);
        if leaving > 0 {
            let busy = &mut link.busy_until[usize::from(reply)];
            *busy = busy.saturating_add(leaving);
        }
        let waits = Network::retransmissions(met.loss, bits);
        let latency = link.latency + far;
        if let Some(fault) = met.fault.filter(|_| met.slower > 1.0 || waits > 0) {
            self.op_meets(op, fault);
        }
        let more = [leaving, far, longer(latency), waits];
        Some(more.into_iter().fold(at, u64::saturating_add))
    }

    /// The fault that two spots cannot talk through: a stream needs both ways.
    pub(in crate::sim) fn parted_by(&self, a: Spot, b: Spot) -> Option<u32> {
        self.path(a, b).cut
    }

    /// The way of a stream from one spot to another. Of what is lossy each part is sent 1/(1 - share) times on average, at
    /// once as a rule, since what comes after it shows that it is missing (RFC 5681, fast retransmit).
    pub(in crate::sim) fn path(&self, from: Spot, to: Spot) -> Path {
        let (there, back) = (self.network.meets(from, to), self.network.meets(to, from));
        let loss = there.loss.max(back.loss);
        let silent = || {
            if loss < 1.0 {
                None
            } else {
                there.fault.or(back.fault)
            }
        };
        let far = Network::are_in_different_zones(from, to);
        Path {
            cut: there.cut.or(back.cut).or_else(silent),
            far: if far { self.network.zone_ns } else { 0 },
            slower: there.slower.max(back.slower) / (1.0 - loss).max(f64::EPSILON),
        }
    }

    /// The fault that cuts a request, or a reply, off.
    #[cold]
    pub(in crate::sim) fn cut_through(&self, index: u32, reply: bool) -> Option<u32> {
        let (caller, called) = self.spots_of(index);
        let (from, to) = if reply {
            (called, caller)
        } else {
            (caller, called)
        };
        self.network.meets(from, to).cut
    }

    /// How long something small takes there and back between two spots, or the fault that it does not come back through.
    pub(in crate::sim) fn round_trip(
        &self,
        from: Spot,
        to: Spot,
        latency: u64,
        bits: u64,
    ) -> Result<u64, u32> {
        let far = if Network::are_in_different_zones(from, to) {
            self.network.zone_ns
        } else {
            0
        };
        let ways = [(from, to, 0), (to, from, 1)];
        ways.into_iter().try_fold(0_u64, |sum, (from, to, way)| {
            let met = self.network.meets(from, to);
            if let Some(fault) = met.cut {
                return Err(fault);
            }
            let takes = ((latency + far) as f64 * met.slower) as u64;
            let waits = Network::retransmissions(met.loss, draw(bits, way));
            Ok(sum.saturating_add(takes).saturating_add(waits))
        })
    }

    fn place(&self, side: &Side) -> Result<Place, SettingError> {
        Ok(match side {
            Side::Node(name) => Place::Node(self.find_node(name)?),
            Side::Instance(name, number) => {
                let (node, instance) = self.find_instance(name, *number)?;
                Place::Instance(node, instance)
            }
            Side::Zone(zone) => Place::Zone(self.find_zone(zone)?),
            Side::Rest => Place::Rest,
        })
    }

    /// The number of a zone that something is in.
    pub(in crate::sim) fn find_zone(&self, name: &str) -> Result<u16, SettingError> {
        let zones = &self.network.zones;
        let at = zones.iter().position(|zone| zone == name);
        at.map(|at| at as u16 + 1).ok_or_else(|| {
            SettingError::here(match zones[..] {
                [] => "nothing is in a zone".to_owned(),
                _ => unknown_name("zone", name, zones.iter().map(String::as_str)),
            })
        })
    }

    /// What a command makes of the network; nothing if it heals.
    fn trouble_of(
        &self,
        command: &Command,
        sides: &Sides,
        fault: u32,
    ) -> Result<Trouble, SettingError> {
        Ok(Trouble {
            from: self.place(&sides.from)?,
            to: self.place(&sides.to)?,
            kind: match command {
                Command::Cut(_) => Kind::Cut { both_ways: true },
                Command::CutOneWay(_) => Kind::Cut { both_ways: false },
                Command::Slow(_, factor) => Kind::Slow(*factor),
                Command::Lose(_, share) => Kind::Lossy(share.0),
                _ => Kind::Slow(1.0),
            },
            fault,
        })
    }

    /// Why a command about the network would change nothing; `None` if it would.
    ///
    /// # Errors
    /// A side does not exist.
    pub(in crate::sim) fn network_stays(
        &self,
        command: &Command,
        sides: &Sides,
    ) -> Result<Option<&'static str>, SettingError> {
        let wanted = self.trouble_of(command, sides, 0)?;
        let mut troubles = self.network.troubles.iter();
        Ok(if matches!(command, Command::Heal(_)) {
            let sound = !troubles.any(|t| t.is_between(&wanted));
            sound.then_some("no fault has just these two sides")
        } else {
            let same = |t: &Trouble| t.kind == wanted.kind && t.covers(&wanted);
            troubles.any(same).then_some("it is so already")
        })
    }

    /// Begins or ends what is wrong between two sides.
    ///
    /// # Errors
    /// A side does not exist; then nothing has changed.
    pub(in crate::sim) fn trouble_network(
        &mut self,
        command: &Command,
        sides: &Sides,
    ) -> Result<(), SettingError> {
        let mut wanted = self.trouble_of(command, sides, 0)?;
        if matches!(command, Command::Heal(_)) {
            self.end_troubles(|t| t.is_between(&wanted));
            self.happen(What::Command {
                command: command.clone(),
                fault: None,
            });
        } else {
            wanted.fault = self.new_fault(command, None);
            // How slow or lossy it is now replaces how it was.
            self.end_troubles(|t| t.covers(&wanted) && t.is_replaced_by(&wanted));
            self.network.troubles.push(wanted);
        }
        self.regroup();
        Ok(())
    }

    /// What is wrong with the network ends with what it was about.
    pub(in crate::sim) fn forget_troubles_of(&mut self, node: u16) {
        let about =
            |place: Place| matches!(place, Place::Node(n) | Place::Instance(n, _) if n == node);
        self.end_troubles(|t| about(t.from) || about(t.to));
    }

    fn end_troubles(&mut self, over: impl Fn(&Trouble) -> bool) {
        let (over, left) = std::mem::take(&mut self.network.troubles)
            .into_iter()
            .partition(over);
        self.network.troubles = left;
        // What comes now waits until what is still to be sent would have gone at this speed.
        for trouble in Vec::<Trouble>::into_iter(over) {
            let Kind::Slow(factor) = trouble.kind else {
                continue;
            };
            for index in 0..self.links.len() {
                let (from, to) = (self.links[index].from, self.links[index].to);
                if self.pairs(from, to).any(|(a, b)| trouble.strikes(a, b)) {
                    let now = self.now;
                    self.links[index].leaves_faster(now, 1.0 / factor);
                }
            }
        }
    }

    /// Where a node's instances are, as far as troubles tell them apart.
    fn spots(&self, node: u16) -> Vec<Spot> {
        let here = &self.nodes[node as usize];
        let places = self.network.troubles.iter().flat_map(|t| [t.from, t.to]);
        let named = places.filter_map(|place| match place {
            Place::Instance(of, instance) if of == node => Some(instance),
            _ => None,
        });
        // Beside those that are named, one in each zone.
        let one_each = 0..here.zones.len().max(1) as u16;
        let is_there = |&i: &u16| {
            let there = here.instances.get(i as usize);
            there.is_some_and(|there| there.status != Status::Removed)
        };
        let mut spots: Vec<Spot> = Vec::new();
        for spot in one_each
            .chain(named)
            .filter(is_there)
            .map(|i| self.spot(node, i))
        {
            if !spots.contains(&spot) {
                spots.push(spot);
            }
        }
        if spots.is_empty() {
            spots.push(self.spot(node, NO_INSTANCE));
        }
        spots
    }

    fn pairs(&self, from: u16, to: u16) -> impl Iterator<Item = (Spot, Spot)> {
        let to = self.spots(to);
        let from = self.spots(from).into_iter();
        from.flat_map(move |a| to.clone().into_iter().map(move |b| (a, b)))
    }

    /// What is wrong on the way from one node to another, if anything is, and the same by instance of the one that is called.
    pub(in crate::sim) fn troubles_between(
        &self,
        from: u16,
        to: u16,
    ) -> (Option<TroubleView>, Vec<TroubleView>) {
        if self.network.is_sound() {
            return (None, Vec::new());
        }
        let all = self.network.trouble_on(self.pairs(from, to));
        if all == TroubleView::default() {
            return (None, Vec::new());
        }
        let from = self.spots(from);
        let called = 0..self.nodes[to as usize].instances.len() as u16;
        let by_instance = called.map(|instance| {
            let to = self.spot(to, instance);
            self.network.trouble_on(from.iter().map(|&from| (from, to)))
        });
        (Some(all), by_instance.collect())
    }
}
