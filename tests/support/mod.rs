//! What several test files use.

pub mod drawn;
pub mod pictures;
