//! A load balancer: its policy, its checks, and what it believes of what is behind it.

use egui::{Align, vec2};

use crate::app::panes::canvas::ink::Ink;
use crate::app::panes::canvas::scene::{Card, targets};
use crate::app::theme::{Weight, size};
use crate::app::words::format::{grouped, joined, time};
use crate::model::{Node, Topology};

pub(super) fn paint(ink: &mut Ink, card: &Card, topology: &Topology) {
    let Node::LoadBalancer(balancer) = card.node else {
        return;
    };
    let palette = ink.palette;
    let (x, y) = (card.rect.left(), card.rect.top());
    ink.small(
        x + 12.0,
        y + 44.0,
        Align::Min,
        balancer.policy.words(),
        palette.text2,
    );
    let checks = balancer.health_checks.as_ref().map_or_else(
        || "no checks".to_owned(),
        |checks| {
            format!(
                "check {}, fall {}",
                joined(time(checks.interval.secs())),
                checks.fall
            )
        },
    );
    ink.small(x + 12.0, y + 60.0, Align::Min, &checks, palette.text2);

    let targets = targets(card, topology);
    let up = targets.iter().filter(|(_, _, up)| *up).count();
    let room = card.rect.width() - 40.0;
    let pitch = 20.0_f32.min(room / (targets.len().max(2) - 1) as f32);
    let dot = 4.0_f32.min(pitch * 0.3);
    // More dots than that would be a line.
    if pitch >= 3.0 {
        for (index, (_, _, up)) in targets.iter().enumerate() {
            let at = (x + 20.0 + index as f32 * pitch, y + 80.0);
            if *up {
                ink.disc(at.0, at.1, dot, palette.health);
            } else {
                let arm = dot * 0.875;
                for (dx, dy) in [(arm, arm), (arm, -arm)] {
                    let (from, to) = ((at.0 - dx, at.1 - dy), (at.0 + dx, at.1 + dy));
                    ink.line(from, to, dot / 2.0, palette.down);
                }
            }
        }
    } else if !targets.is_empty() {
        let share = up as f32 / targets.len() as f32;
        let min = egui::pos2(x + 12.0, y + 77.0);
        let width = card.rect.width() - 24.0;
        let track = egui::Rect::from_min_size(min, vec2(width, 6.0));
        ink.fill(track, 2.0, palette.down);
        let good = egui::Rect::from_min_size(min, vec2(width * share, 6.0));
        ink.fill(good, 2.0, palette.health);
    }
    let text = if targets.is_empty() {
        "no targets".to_owned()
    } else {
        format!("{up} of {} targets", targets.len())
    };
    // Thousands of them leave no room for the word.
    let room = card.rect.width() - 24.0;
    let text = if ink.width(&text, size::SMALL, Weight::Regular) > room {
        format!(
            "{} of {}",
            grouped(up as u64),
            grouped(targets.len() as u64)
        )
    } else {
        text
    };
    ink.small(x + 12.0, y + 106.0, Align::Min, &text, palette.text3);
}
