//! Operations of users, their attempts, and the calls that these make: what travels and what waits for it.

pub(super) mod call;
pub(super) mod clients;
pub(super) mod operation;
mod request;

pub(super) use request::Leave;
