//! Numbers by which things are named, and what names nothing.

/// No call, no operation, no instance.
pub(in crate::sim) const NONE: u32 = u32::MAX;
pub(in crate::sim) const NO_INSTANCE: u16 = u16::MAX;
