//! `statescope presets`: lists the topologies that come with the program.

use super::Failure;
use super::output::print;
use crate::model::presets;

pub fn list() -> Result<(), Failure> {
    let width = presets::all()
        .iter()
        .map(|preset| preset.name.len())
        .max()
        .unwrap_or(0);
    let mut text = String::new();
    for group in presets::groups() {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("{group}\n"));
        for preset in presets::all() {
            if preset.group == group {
                text.push_str(&format!("  {:<width$}  {}\n", preset.name, preset.line));
            }
        }
    }
    print(text)
}
