//! Operations of users, their attempts, and the calls that these make: what travels and what waits for it.

mod clients;
mod request;

pub(super) use request::Leave;
