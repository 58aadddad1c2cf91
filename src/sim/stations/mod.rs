//! Where calls are worked on: load balancers, services, stores.

mod balancer;
mod service;
mod store;
