//! What people read: numbers, events, refusals, promises and choices in words.

pub mod events;
pub mod format;
pub mod nodes;
pub mod problems;
mod span;
pub mod spoken;
pub(super) mod toggles;
pub mod troubles;

pub use span::{Span, SpanKind};
