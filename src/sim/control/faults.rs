//! Commands: faults and restarts. Deployments are in `deploy.rs`, edits in `compile/change.rs`.

use crate::model::settings::{SettingError, unknown_name};
use crate::model::{Command, Sessions, Stop};
use crate::sim::Sim;
use crate::sim::clock::queue::Kind;
use crate::sim::clock::timers::Timer;
use crate::sim::keeping::cache::Cache;
use crate::sim::keeping::ledger::{End, Replica};
use crate::sim::keeping::loss::LossCause;
use crate::sim::observe::counts::Fault;
use crate::sim::observe::snapshot::{NodeKind, Status, What};
use crate::sim::stations::instance::Instance;
use crate::sim::stations::node::Body;
use crate::sim::traffic::Leave;
use crate::units::Duration;

/// Commands without effect that are kept for the end of the run.
const IDLE_MAX: usize = 1000;

/// A command that changed nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Idle {
    /// When it was to be carried out.
    pub at: Duration,
    /// What was to be done.
    pub command: Command,
    /// Why, as half a sentence: "it runs already".
    pub why: String,
}

/// What an instance is doing, as a reason why a command changes nothing.
fn doing(status: Status) -> &'static str {
    match status {
        Status::Up | Status::Warming => "it runs already",
        Status::Booting => "it is starting",
        Status::Draining => "it is being drained",
        Status::Hung => "it hangs already",
        Status::Crashed => "it is down already",
        Status::MachineLost => "its machine is gone already",
        Status::Removed => "it was taken out of service",
    }
}

/// What a fault ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    Process,
    Machine,
}

/// The edit that gives a service so many instances.
fn instances(name: &str, wanted: u32) -> Command {
    Command::Set(format!("nodes.{name}.instances"), wanted.to_string())
}

impl Sim {
    /// The slot of a node that exists.
    pub(in crate::sim) fn slot_of(&self, name: &str) -> Option<u16> {
        self.nodes
            .iter()
            .position(|n| !n.removed && n.name == name)
            .map(|i| i as u16)
    }

    pub(in crate::sim) fn find_node(&self, name: &str) -> Result<u16, SettingError> {
        self.slot_of(name).ok_or_else(|| {
            let names = self
                .nodes
                .iter()
                .filter(|n| !n.removed)
                .map(|n| n.name.as_str());
            SettingError::here(unknown_name("node", name, names))
        })
    }

    pub(in crate::sim) fn find_instance(
        &self,
        name: &str,
        number: u32,
    ) -> Result<(u16, u16), SettingError> {
        let node = self.find_node(name)?;
        let instances = self.nodes[node as usize].instances.iter();
        let there: Vec<String> = (1..)
            .zip(instances)
            .filter(|(_, i)| i.status != Status::Removed)
            .map(|(number, _): (u32, _)| number.to_string())
            .collect();
        let status = number
            .checked_sub(1)
            .and_then(|i| self.nodes[node as usize].instances.get(i as usize))
            .map(|i| i.status);
        match status {
            Some(status) if status != Status::Removed && self.service_or_store(node) => {
                Ok((node, number as u16 - 1))
            }
            _ => {
                let has = match &there[..] {
                    [] => "none".to_owned(),
                    [only] => only.clone(),
                    [first, .., last] if last.parse() == Ok(there.len()) => {
                        format!("{first} to {last}")
                    }
                    [before @ .., last] => format!("{} and {last}", before.join(", ")),
                };
                Err(SettingError::here(format!(
                    "there is no instance {number} of `{name}`; it has {has}"
                )))
            }
        }
    }

    fn service_or_store(&self, node: u16) -> bool {
        matches!(
            self.nodes[node as usize].body,
            Body::Service(_) | Body::Store(_)
        )
    }

    /// Carries out a command.
    ///
    /// # Errors
    /// What it names does not exist or cannot be so; then nothing has changed.
    pub(in crate::sim) fn carry_out(&mut self, command: &Command) -> Result<(), SettingError> {
        if let Some(why) = self.changes_nothing(command)? {
            self.idle(command, why);
            return Ok(());
        }
        match command {
            Command::Crash(name, number) => {
                let (node, instance) = self.find_instance(name, *number)?;
                self.kill(node, instance, command, Death::Process);
            }
            Command::LoseMachine(name, number) => {
                let (node, instance) = self.find_instance(name, *number)?;
                self.kill(node, instance, command, Death::Machine);
            }
            Command::Hang(name, number) => {
                let (node, instance) = self.find_instance(name, *number)?;
                self.hang(node, instance, command);
            }
            Command::SlowInstance(name, number, factor) => {
                let (node, instance) = self.find_instance(name, *number)?;
                self.new_fault(command, Some((node, instance)));
                self.nodes[node as usize].instances[instance as usize].slowed = *factor;
            }
            Command::LoseZone(zone) => self.lose_zone(zone, command)?,
            Command::Cut(sides)
            | Command::CutOneWay(sides)
            | Command::Slow(sides, _)
            | Command::Lose(sides, _)
            | Command::Heal(sides) => self.trouble_network(command, sides)?,
            Command::Resume(name, number) => {
                let (node, instance) = self.find_instance(name, *number)?;
                self.happen(What::Command {
                    command: command.clone(),
                    fault: None,
                });
                self.nodes[node as usize].instances[instance as usize].slowed = 1.0;
                self.go_on(node, instance);
            }
            Command::Restart(name, number) => {
                let (node, instance) = self.find_instance(name, *number)?;
                self.happen(What::Command {
                    command: command.clone(),
                    fault: None,
                });
                if self.nodes[node as usize].instances[instance as usize].status == Status::Hung {
                    // Restarting a process that hangs kills it first.
                    self.die(node, instance, Death::Process);
                }
                self.restart(node, instance);
            }
            Command::Failover(name) => {
                let node = self.find_node(name)?;
                self.fail_over(node, command, false)?;
            }
            Command::ForceFailover(name) => {
                let node = self.find_node(name)?;
                self.fail_over(node, command, true)?;
            }
            Command::Deploy(name, stop) => {
                let node = self.find_node(name)?;
                self.start_deployment(node, *stop, command)?;
            }
            Command::AddInstances(name, n) => {
                self.find_node(name)?;
                let wanted = self.wanted_instances(name)?.saturating_add(*n);
                return self.edit(&instances(name, wanted), command);
            }
            Command::RemoveInstances(name, n) => {
                self.find_node(name)?;
                let wanted = self.wanted_instances(name)?.saturating_sub(*n).max(1);
                return self.edit(&instances(name, wanted), command);
            }
            Command::ReplaceSigningKey => {
                let fault = self.new_fault(command, None);
                self.replace_signing_key(Some(fault));
            }
            Command::RotateKeys(overlap) => {
                let fault = self.new_fault(command, None);
                self.rotate_keys(overlap.0, fault);
            }
            Command::Set(..)
            | Command::Add(..)
            | Command::Remove(_)
            | Command::Link(_)
            | Command::Unlink(_) => self.edit(command, command)?,
        }
        Ok(())
    }

    /// Tells of a command that changed nothing, and why.
    pub(in crate::sim) fn idle(&mut self, command: &Command, why: String) {
        if self.idle.len() < IDLE_MAX {
            self.idle.push(Idle {
                at: Duration(self.now),
                command: command.clone(),
                why: why.clone(),
            });
        }
        self.happen(What::NoEffect {
            command: command.clone(),
            why,
        });
    }

    /// The commands that changed nothing so far, the first thousand of them.
    pub fn without_effect(&self) -> &[Idle] {
        &self.idle
    }

    /// Why a command would change nothing now; `None` if it would.
    fn changes_nothing(&self, command: &Command) -> Result<Option<String>, SettingError> {
        let status_of = |name: &str, number: u32| {
            let (node, instance) = self.find_instance(name, number)?;
            Ok::<_, SettingError>(self.nodes[node as usize].instances[instance as usize].status)
        };
        let slowed = |name: &str, number: u32| {
            let (node, instance) = self.find_instance(name, number)?;
            Ok::<_, SettingError>(self.nodes[node as usize].instances[instance as usize].slowed)
        };
        let why = match command {
            Command::Crash(name, number) => match status_of(name, *number)? {
                status if status.is_down() => Some(doing(status)),
                _ => None,
            },
            Command::LoseMachine(name, number) => match status_of(name, *number)? {
                status @ Status::MachineLost => Some(doing(status)),
                _ => None,
            },
            Command::Hang(name, number) => match status_of(name, *number)? {
                status if status.serves() => None,
                status => Some(doing(status)),
            },
            Command::Resume(name, number) => match status_of(name, *number)? {
                Status::Hung => None,
                status if status.serves() && slowed(name, *number)? > 1.0 => None,
                status => Some(doing(status)),
            },
            Command::SlowInstance(name, number, factor) => match status_of(name, *number)? {
                status if !status.serves() => Some(doing(status)),
                _ => (slowed(name, *number)? == *factor).then_some("it is so already"),
            },
            Command::LoseZone(zone) => {
                let zone = self.find_zone(zone)?;
                let none = self.in_zone(zone).next().is_none();
                none.then_some("nothing runs in it")
            }
            Command::Cut(sides)
            | Command::CutOneWay(sides)
            | Command::Slow(sides, _)
            | Command::Lose(sides, _)
            | Command::Heal(sides) => self.network_stays(command, sides)?,
            Command::Restart(name, number) => match status_of(name, *number)? {
                status if status.is_down() || status == Status::Hung => None,
                status => Some(doing(status)),
            },
            Command::Deploy(name, _) => {
                let node = self.slot_of(name).map(|slot| &self.nodes[slot as usize]);
                let none = node.is_some_and(|n| {
                    n.kind == NodeKind::Service && !n.instances.iter().any(Instance::runs)
                });
                none.then_some("none of its instances runs")
            }
            Command::RemoveInstances(name, _) if self.wanted_instances(name)? <= 1 => {
                Some("the last instance stays")
            }
            Command::ReplaceSigningKey | Command::RotateKeys(_)
                if !matches!(self.topology.sessions, Sessions::Jwt(_)) =>
            {
                Some("no tokens are signed")
            }
            Command::Set(..) => {
                let mut after = self.topology.clone();
                after.apply(command)?;
                (after == self.topology).then_some("it is so already")
            }
            // Whether a store can fail over is told on its row; edits that are not possible are refused.
            Command::Failover(_)
            | Command::ForceFailover(_)
            | Command::AddInstances(..)
            | Command::RemoveInstances(..)
            | Command::ReplaceSigningKey
            | Command::RotateKeys(_)
            | Command::Add(..)
            | Command::Remove(_)
            | Command::Link(_)
            | Command::Unlink(_) => None,
        };
        Ok(why.map(str::to_owned))
    }

    fn wanted_instances(&self, name: &str) -> Result<u32, SettingError> {
        match self.topology.nodes.get(name) {
            Some(crate::model::Node::Service(s)) => Ok(s.instances),
            _ => Err(SettingError::here(format!("`{name}` is not a service"))),
        }
    }

    /// Opens the account of a fault or a change.
    pub(in crate::sim) fn new_fault(&mut self, command: &Command, at: Option<(u16, u16)>) -> u32 {
        let index = self.faults.len();
        self.faults.push(Fault {
            at: self.now,
            command: command.clone(),
            detected: None,
            lost_writes: 0,
            lost_sessions: 0,
            failed_met: 0,
            failed_after_detection: 0,
            saved: 0,
            called_off: None,
        });
        if let Some((node, instance)) = at {
            let here = &mut self.nodes[node as usize].instances[instance as usize];
            here.fault = Some(index as u32);
        }
        self.happen(What::Command {
            command: command.clone(),
            fault: Some(index),
        });
        index as u32
    }

    /// Faults and changes that have an account so far: their indices in `Snapshot::faults`.
    pub fn faults(&self) -> usize {
        self.faults.len()
    }

    /// Whether a fault or change still does what it does: a deployment, a drain, a boot, a failover or a move goes on, or
    /// what it struck restarts by itself before `soon` (nanoseconds).
    pub fn is_at_work(&self, fault: usize, soon: u64) -> bool {
        let mine = Some(fault as u32);
        let is_change = self.faults[fault].command.is_change();
        let instances = self.nodes.iter().filter(|n| !n.removed).any(|node| {
            let restart_after = match &node.body {
                Body::Service(service) => {
                    if service.deploying.as_ref().map(|d| d.fault) == mine {
                        return true;
                    }
                    service.settings.restart_after.map(|after| after.0)
                }
                Body::Store(store) => {
                    if store.failover.as_ref().map(|f| f.fault) == mine {
                        return true;
                    }
                    store.restart_after
                }
                _ => None,
            };
            node.instances.iter().any(|here| match here.status {
                Status::Booting => here.fault == mine || is_change,
                Status::Draining => here.fault == mine,
                Status::Crashed | Status::MachineLost => {
                    let restarts = restart_after.is_some_and(|after| here.since + after <= soon);
                    here.fault == mine && restarts
                }
                _ => false,
            })
        });
        let rebalances = |n: u16| self.partition(n).is_some_and(|p| !p.parts.is_empty());
        instances
            || (is_change && (0..self.nodes.len() as u16).any(rebalances))
            || self.logs.iter().any(|log| {
                let orphaned = log
                    .orphan
                    .is_some_and(|o| o.fault == mine || o.asked == mine);
                let serves = |copy: &Replica| {
                    copy.mark.is_some() && self.is_serving(log.node, copy.instance)
                };
                let splits = log.deposed.as_ref().map(|d| d.fault) == mine
                    || log.missed.map(|m| m.fault) == mine;
                splits
                    || (log.moving.is_some() && is_change)
                    || (orphaned && log.replicas.iter().any(serves))
            })
    }

    /// What is in a zone and has a machine still.
    fn in_zone(&self, zone: u16) -> impl Iterator<Item = (u16, u16)> {
        let nodes = (0..self.nodes.len() as u16).filter(|&n| !self.nodes[n as usize].removed);
        let all = nodes.flat_map(|n| {
            let instances = self.nodes[n as usize].instances.len() as u16;
            (0..instances).map(move |i| (n, i))
        });
        all.filter(move |&(n, i)| {
            let status = self.nodes[n as usize].instances[i as usize].status;
            let gone = matches!(status, Status::MachineLost | Status::Removed);
            self.spot(n, i).is_in(zone) && !gone
        })
    }

    fn lose_zone(&mut self, zone: &str, command: &Command) -> Result<(), SettingError> {
        let zone = self.find_zone(zone)?;
        let struck: Vec<(u16, u16)> = self.in_zone(zone).collect();
        let fault = self.new_fault(command, None);
        for &(node, instance) in &struck {
            self.nodes[node as usize].instances[instance as usize].fault = Some(fault);
        }
        for (node, instance) in struck {
            self.strike(node, instance, Death::Machine);
        }
        Ok(())
    }

    fn kill(&mut self, node: u16, instance: u16, command: &Command, death: Death) {
        self.new_fault(command, Some((node, instance)));
        self.strike(node, instance, death);
    }

    fn strike(&mut self, node: u16, instance: u16, death: Death) {
        let status = self.nodes[node as usize].instances[instance as usize].status;
        if status == Status::Crashed {
            // The machine goes after the process: what only its kernel or disk had left goes with it.
            self.set_status(node, instance, Status::MachineLost);
            self.nodes[node as usize].instances[instance as usize].life += 1;
            self.primary_gone(node, instance, End::Machine, LossCause::MachineLoss);
            return self.restart_later(node, instance);
        }
        self.die(node, instance, death);
    }

    pub(in crate::sim) fn set_status(&mut self, node: u16, instance: u16, status: Status) {
        let now = self.now;
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        here.status = status;
        here.set_capacity(now);
        here.since = now;
    }

    /// The instance's process, or its machine, is gone.
    fn die(&mut self, node: u16, instance: u16, death: Death) {
        let (status, end, cause, leave) = match death {
            Death::Process => (
                Status::Crashed,
                End::Process,
                LossCause::Crash,
                Leave::Reset,
            ),
            Death::Machine => (
                Status::MachineLost,
                End::Machine,
                LossCause::MachineLoss,
                Leave::Silent,
            ),
        };
        self.set_status(node, instance, status);
        let now = self.now;
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        here.life += 1;
        here.died_at = now;
        self.primary_gone(node, instance, end, cause);
        self.cut_off(node, instance, leave);
        self.tend_rebalance(node);
        self.restart_later(node, instance);
        self.died_while_leaving(node, instance);
    }

    /// What is dead is started again by itself, if that is set, so long after its last death.
    fn restart_later(&mut self, node: u16, instance: u16) {
        let life = self.nodes[node as usize].instances[instance as usize].life;
        let restart_after = match &self.nodes[node as usize].body {
            Body::Service(s) => s.settings.restart_after.map(|d| d.0),
            Body::Store(s) => s.restart_after,
            _ => None,
        };
        if let Some(after) = restart_after {
            self.timer_after(
                after,
                Timer::RestartAfter {
                    node,
                    instance,
                    life,
                },
            );
        }
    }

    fn hang(&mut self, node: u16, instance: u16, command: &Command) {
        self.new_fault(command, Some((node, instance)));
        self.set_status(node, instance, Status::Hung);
        self.freeze_work(node, instance);
        self.primary_gone(node, instance, End::Hang, LossCause::Promotion);
        self.tend_moves();
    }

    /// Nothing runs in a process that hangs: what it is working on stands still. A disk goes on.
    fn freeze_work(&mut self, node: u16, instance: u16) {
        let pending = self.queue.pending().filter(|due| due.kind == Kind::Resume);
        let worked_on: Vec<(u32, u64)> = pending
            .filter(|due| {
                let call = &self.calls[due.index as usize];
                (call.node, call.instance) == (node, instance)
                    && call.present
                    && !call.free
                    && call.resume == due.number
                    && self.is_worked_on(due.index)
            })
            .map(|due| (due.index, due.at - self.now))
            .collect();
        for (call, left) in worked_on {
            let token = self.new_token();
            self.calls[call as usize].resume = token;
            let here = &mut self.nodes[node as usize].instances[instance as usize];
            here.frozen.push((call, token, left));
        }
    }

    fn thaw_work(&mut self, node: u16, instance: u16) {
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        let mut frozen = std::mem::take(&mut here.frozen);
        // In the order in which they would have ended.
        frozen.sort_unstable_by_key(|&(call, _, left)| (left, call));
        for (call, token, left) in frozen {
            if self.calls[call as usize].resume == token {
                let due = self.now.saturating_add(left);
                self.calls[call as usize].resume = self.queue.push(due, Kind::Resume, call);
            }
        }
    }

    fn go_on(&mut self, node: u16, instance: u16) {
        if self.nodes[node as usize].instances[instance as usize].status != Status::Hung {
            return;
        }
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        here.fault = None;
        let stood = self.now - here.since;
        let status = match (here.draining, here.cold) {
            (true, _) => Status::Draining,
            (false, true) => Status::Warming,
            (false, false) => Status::Up,
        };
        self.set_status(node, instance, status);
        self.primary_back(node, instance, Some(stood));
        self.thaw_work(node, instance);
        self.serve_pools(node, instance);
        self.tend_moves();
        let stalled: Vec<u32> = (0..self.calls.len() as u32)
            .filter(|&i| {
                let call = &self.calls[i as usize];
                call.present
                    && !call.free
                    && call.node == node
                    && call.instance == instance
                    && !call.queued
                    && call.wait == 0
                    && call.resume == 0
            })
            .collect();
        for call in stalled {
            self.proceed(call);
        }
        if self.nodes[node as usize].instances[instance as usize]
            .round
            .synced
        {
            self.end_round(node, instance);
        }
        self.take_next(node, instance);
        // What the kernel has taken meanwhile comes in now.
        while let Some(call) = self.nodes[node as usize].instances[instance as usize]
            .backlog
            .pop_front()
        {
            self.calls[call as usize].queued = false;
            self.admit(call);
        }
        self.drained_if_done(node, instance);
    }

    /// A dead instance is started again.
    pub(in crate::sim) fn restart(&mut self, node: u16, instance: u16) {
        if !self.nodes[node as usize].instances[instance as usize]
            .status
            .is_down()
        {
            return;
        }
        self.boot(node, instance);
    }

    pub(in crate::sim) fn boot(&mut self, node: u16, instance: u16) {
        self.set_status(node, instance, Status::Booting);
        let boot_ns = match &self.nodes[node as usize].body {
            Body::Service(s) => s.settings.boot_time.0,
            Body::Store(s) => s.boot_ns,
            _ => 0,
        };
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        here.life += 1;
        let life = here.life;
        if boot_ns == 0 {
            self.booted(node, instance, life);
        } else {
            self.timer_after(
                boot_ns,
                Timer::Booted {
                    node,
                    instance,
                    life,
                },
            );
        }
    }

    pub(in crate::sim) fn booted(&mut self, node: u16, instance: u16, life: u32) {
        let here = &self.nodes[node as usize].instances[instance as usize];
        if here.life != life || here.status != Status::Booting {
            return;
        }
        self.come_up(node, instance);
        let name = self.nodes[node as usize].name.clone();
        self.happen(What::Started {
            node: name,
            instance: u32::from(instance) + 1,
        });
    }

    /// The instance serves from now on, slower at first.
    pub(in crate::sim) fn come_up(&mut self, node: u16, instance: u16) {
        let warm_up = match self.service(node) {
            Some(s) if s.settings.cold_factor > 1.0 => s.settings.warm_up.0,
            _ => 0,
        };
        self.set_status(
            node,
            instance,
            if warm_up > 0 {
                Status::Warming
            } else {
                Status::Up
            },
        );
        let now = self.now;
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        here.slowed = 1.0;
        here.cache = Cache::default();
        here.warm_from = now;
        here.cold = warm_up > 0;
        here.fault = None;
        here.announced = true;
        let life = here.life;
        let deploying = here.deploying;
        let told = self
            .service(node)
            .and_then(|s| s.deploying.as_ref())
            .is_none_or(|d| d.stop == Stop::Drained);
        if warm_up > 0 {
            self.timer_after(
                warm_up,
                Timer::Warm {
                    node,
                    instance,
                    life,
                },
            );
        }
        self.primary_back(node, instance, None);
        self.repartition(node);
        self.tend_rebalance(node);
        self.trust(node, instance);
        if self.topology.sessions.denylist().is_some() {
            self.tend_denylists();
        }
        self.announce(node, instance);
        if deploying {
            if told {
                self.rotate(node, instance, true);
            }
            self.wait_for_next_deployment(node, instance);
        }
    }

    pub(in crate::sim) fn warm(&mut self, node: u16, instance: u16, life: u32) {
        let here = &mut self.nodes[node as usize].instances[instance as usize];
        if here.life != life {
            return;
        }
        here.cold = false;
        if here.status == Status::Warming {
            self.set_status(node, instance, Status::Up);
        }
    }
}
