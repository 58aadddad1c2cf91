//! Cases whose right figures follow from arithmetic, and what must hold in every run, each file about one thing.
//!
//! One program: each would link the whole library anew.

#![allow(clippy::unwrap_used)] // a test fails by a panic, in its helpers too

#[path = "../support/mod.rs"]
mod support;

mod balancer;
mod books;
mod bounds;
mod caches;
mod clients;
mod copies;
mod credentials;
mod deployments;
mod determinism;
mod disks;
mod durability;
mod edits;
mod engine;
mod faults;
mod hangs;
mod headers;
mod keys;
mod keys_and_logins;
mod links;
mod lives;
mod lost_sessions;
mod messages;
mod moves;
mod network;
mod notice;
mod partitions;
mod periods;
mod places;
mod pools;
mod promotions;
mod retries;
mod revocation;
mod rewind;
mod schedule;
mod sessions;
mod splits;
mod ways;
mod words;
