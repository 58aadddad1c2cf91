//! The order of events, and nothing else of them: what is due when, and by what name it is waited for.

pub(super) mod queue;
pub(super) mod timers;
mod wheel;
