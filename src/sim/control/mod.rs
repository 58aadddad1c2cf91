//! What changes a running system from outside: faults, deployments, scaling, failovers, and when a scenario does so.

pub(super) mod deploy;
pub(super) mod failover;
pub(super) mod faults;
pub mod schedule;
