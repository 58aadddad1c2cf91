//! What several test files use; each uses a part.

#![allow(dead_code)]

pub mod drawn;
pub mod pictures;
