//! Clients: how operations arrive, their mix, and what became of them.

use egui::{Align, Rect, pos2, vec2};

use crate::app::panes::canvas::ink::{Ink, face};
use crate::app::panes::canvas::scene::{Card, Scene};
use crate::app::theme::{Weight, radius, size};
use crate::app::words::format::grouped;
use crate::app::words::format::number;
use crate::app::words::nodes;
use crate::model::Node;
use crate::model::workload::Mix;

pub(super) fn paint(ink: &mut Ink, scene: &Scene, card: &Card) {
    let Node::Clients(clients) = card.node else {
        return;
    };
    let palette = ink.palette;
    let (x, y) = (card.rect.left(), card.rect.top());
    let room = card.rect.width() - 24.0;
    let arrivals = nodes::arrivals(&clients.arrivals);
    ink.text_within(
        x + 12.0,
        y + 44.0,
        Align::Min,
        room,
        &arrivals,
        face(size::SMALL, Weight::Regular, palette.text2),
    );
    ink.small(
        x + 12.0,
        y + 60.0,
        Align::Min,
        &mix(&clients.mix),
        palette.text2,
    );

    let (completed, failed) = outcomes(scene, card);
    let ended = completed + failed;
    let share = failed as f32 / ended.max(1) as f32;
    let track = Rect::from_min_size(pos2(x + 12.0, y + 72.0), vec2(room, 6.0));
    ink.fill(track, radius::BAR, palette.raised);
    if ended > 0 {
        // However few failed, they can be seen.
        let bad = if failed > 0 {
            (room * share).clamp(2.0, room)
        } else {
            0.0
        };
        let good = (room - bad - if bad > 0.0 { 1.0 } else { 0.0 }).max(0.0);
        ink.fill(
            Rect::from_min_size(track.min, vec2(good, 6.0)),
            radius::BAR,
            palette.completed,
        );
        if bad > 0.0 {
            let left = track.right() - bad;
            ink.fill(
                Rect::from_min_max(pos2(left, track.top()), track.max),
                0.0,
                palette.failed,
            );
        }
    }
    if failed > 0 {
        let share = nodes::percent(f64::from(share));
        let percent = ink.small(x + 12.0 + room, y + 94.0, Align::Max, &share, palette.text3);
        let mut text = format!("{} failed", grouped(failed));
        if ink.width(&text, size::SMALL, Weight::Medium) + percent + 6.0 > room {
            text = format!("{} failed", number(failed as f64));
        }
        ink.text(
            x + 12.0,
            y + 94.0,
            Align::Min,
            &text,
            face(size::SMALL, Weight::Medium, palette.failed),
        );
    } else if card.view.is_some() {
        ink.small(x + 12.0, y + 94.0, Align::Min, "0 failed", palette.text3);
    }
}

/// How many operations were completed and failed since the start: all of them where there is one node of clients, else
/// those that the node counts.
pub(super) fn outcomes(scene: &Scene, card: &Card) -> (u64, u64) {
    if scene.facts.clients == 1 {
        (scene.operations.completed, scene.operations.failed)
    } else {
        card.view
            .map_or((0, 0), |view| (view.completed, view.failed))
    }
}

/// "80 % reads", or what there is most of.
fn mix(mix: &Mix) -> String {
    let parts = [
        (mix.read, "reads"),
        (mix.write, "writes"),
        (mix.login, "logins"),
        (mix.logout, "logouts"),
    ];
    let total: f64 = parts.iter().map(|(weight, _)| weight).sum();
    let most = parts.iter().fold(
        parts[0],
        |best, &part| if part.0 > best.0 { part } else { best },
    );
    if total > 0.0 {
        format!("{} {}", nodes::percent(most.0 / total), most.1)
    } else {
        "no operations".into()
    }
}
