//! The running system: document and simulation held together ([`live`]), the simulation on a thread of its own
//! ([`runner`]), what each choice would lose ([`measure`]), and what is made of it for reading.

pub mod history;
pub mod live;
pub(super) mod meant;
pub mod measure;
pub mod notices;
pub mod readings;
pub mod runner;
pub mod speed;
pub mod state;
pub mod still;
