//! Where calls are worked on: load balancers, services, stores.

pub(super) mod balancer;
pub(super) mod caching;
pub(super) mod forwarding;
pub(super) mod instance;
pub(super) mod node;
pub(super) mod pool;
pub(super) mod service;
pub(super) mod store;
