//! statescope
