//! Services: light where they keep nothing, heavy where their instances keep state or sessions.

use egui::{Align, Rect, pos2, vec2};

use super::{only_about, only_here};
use crate::app::icons::Icon;
use crate::app::panes::canvas::ink::{Ink, face};
use crate::app::panes::canvas::scene::{Card, Facts};
use crate::app::theme::{Weight, radius, size};
use crate::app::widgets::{self};
use crate::app::words::format::span;
use crate::app::words::format::{grouped, loss_text};
use crate::app::words::nodes;
use crate::model::{Node, State};
use crate::sim::snapshot::{InstanceView, Status};
use crate::units::Duration;

pub(super) fn paint_light(ink: &mut Ink, card: &Card) {
    let Node::Service(service) = card.node else {
        return;
    };
    let palette = ink.palette;
    let (x, y) = (card.rect.left(), card.rect.top());
    let rate = rate(card);
    let (icon, text, filled) = nodes::placement(&service.state);
    let many = card.instances.len() > 4;
    let hits = if many { String::new() } else { hits(card) };
    let hits_width = ink.small(
        card.rect.right() - 12.0,
        y + 48.0,
        Align::Max,
        &hits,
        palette.text2,
    );
    let apart = if many {
        60.0
    } else if hits.is_empty() {
        0.0
    } else {
        hits_width + 8.0
    };
    let room = card.rect.width() - 20.0 - apart;
    ink.badge(x + 10.0, y + 34.0, room, icon, &text, filled);
    // With few instances the rate stands beside them, else beside the badge.
    let baseline = if many {
        y + 48.0
    } else {
        card.rect.bottom() - 16.0
    };
    ink.small(
        card.rect.right() - 12.0,
        baseline,
        Align::Max,
        &rate,
        palette.text2,
    );
}

/// How much it answers; nothing where it does not run.
fn rate(card: &Card) -> String {
    if card.view.is_none() {
        return String::new();
    }
    nodes::per_second(card.reading.map_or(0.0, |reading| reading.throughput))
}

/// How many of the reads at its caches they answer; nothing where there are none.
fn hits(card: &Card) -> String {
    let cached = card.view.is_some_and(|view| view.cache.is_some());
    match card.reading.filter(|_| cached) {
        Some(reading) => format!("{} hits", nodes::percent(reading.hit_ratio)),
        None => String::new(),
    }
}

pub(super) fn paint_heavy(ink: &mut Ink, card: &Card, facts: &Facts, now: Duration) {
    let Node::Service(service) = card.node else {
        return;
    };
    let palette = ink.palette;
    let (x, y, width) = (card.rect.left(), card.rect.top(), card.rect.width());
    let right = card.rect.right();

    let kept = card.view.map_or(0, |view| view.state_bytes);
    let size = card.view.map_or_else(String::new, |_| nodes::bytes(kept));
    let size_width = ink.small(right - 12.0, y + 48.0, Align::Max, &size, palette.text2);
    let room = width - 20.0 - size_width - 8.0;
    let (icon, text, filled) = nodes::placement(&service.state);
    // Sessions in memory beside state in memory go without saying.
    let sessions_apart = card.keeps_sessions && !matches!(service.state, State::InMemory(_));
    let wanted = ink.width(&text, size::SMALL, Weight::Medium) + 31.0;
    let (for_sessions, words) = if !sessions_apart {
        (0.0, "")
    } else if wanted + 84.0 <= room {
        (84.0, "Sessions")
    } else {
        (28.0, "")
    };
    let used = ink.badge(x + 10.0, y + 34.0, room - for_sessions, icon, &text, filled);
    if sessions_apart {
        let left = x + 10.0 + used + 4.0;
        ink.badge(
            left,
            y + 34.0,
            for_sessions - 4.0,
            Icon::Sticky,
            words,
            true,
        );
    }

    let (sessions, writes) = card.view.map_or((0, 0), |view| {
        (view.only_here_sessions, view.only_here_writes)
    });
    let bar = Rect::from_min_size(pos2(x + 10.0, y + 60.0), vec2(width - 20.0, 6.0));
    exposure(ink, bar, kept, sessions, writes, facts);
    if card.view.is_some() {
        let colour = if sessions + writes > 0 {
            palette.lost
        } else {
            palette.text3
        };
        let mut text = only_here(sessions, writes);
        if ink.width(&text, size::SMALL, Weight::Medium) > width - 20.0 {
            text = only_about(sessions, writes);
        }
        ink.text_within(
            x + 10.0,
            y + 80.0,
            Align::Min,
            width - 20.0,
            &text,
            face(size::SMALL, Weight::Medium, colour),
        );
        if card.keeps_sessions {
            let at = right - 66.0;
            ink.small(at, y + 94.0, Align::Max, "sessions", palette.text3);
        }
        ink.small(right - 12.0, y + 94.0, Align::Max, "unsaved", palette.text3);
    }

    let exposed = |instance: &InstanceView| {
        let sessions = if facts.sessions_alone {
            instance.sessions
        } else {
            0
        };
        sessions + instance.unsaved
    };
    let most = card.instances.iter().map(exposed).max().unwrap_or(0);
    let scale = ceiling(most);
    for (row, &instance) in card.rows.iter().enumerate() {
        let middle = card.row_middle(row);
        let instance = &card.instances[instance];
        let share = exposed(instance) as f32 / scale;
        paint_row(ink, card, instance, middle, share, now);
    }
}

/// How much of the state is safe elsewhere.
fn exposure(ink: &Ink, bar: Rect, kept: u64, sessions: u64, writes: u64, facts: &Facts) {
    let only_here = sessions as f64 * facts.session_bytes + writes as f64 * facts.value_bytes;
    let all = (kept as f64).max(only_here);
    if all <= 0.0 {
        ink.fill(bar, radius::BAR, ink.palette.raised);
        return;
    }
    let safe = (1.0 - only_here / all) as f32;
    widgets::exposure_bar(ink.painter, ink.rect(bar), safe, ink.zoom(), ink.palette);
}

/// The next step of a ladder, so that bars do not rescale with every write.
fn ceiling(most: u64) -> f32 {
    if most == 0 {
        return 1.0;
    }
    let steps = ((most as f32).log10() * 10.0).ceil();
    10_f32.powf(steps / 10.0)
}

/// One instance: what exists only there (`share` of a full bar), or that what it holds is safe; or what was lost with it.
fn paint_row(
    ink: &mut Ink,
    card: &Card,
    instance: &InstanceView,
    middle: f32,
    share: f32,
    now: Duration,
) {
    let palette = ink.palette;
    let (x, right) = (card.rect.left(), card.rect.right());
    let height = card.row_height();
    let down = instance.status.is_down();
    let lost = down && instance.lost_sessions + instance.lost_writes > 0;
    if lost {
        let row = Rect::from_min_max(
            pos2(x + 2.0, middle - height / 2.0),
            pos2(right - 2.0, middle + height / 2.0),
        );
        ink.fill(row, 0.0, palette.lost_tint);
    }
    let number = instance.number.to_string();
    // Numbers of several digits end before the bar.
    let (at, align) = if number.len() == 1 {
        (x + 44.0, Align::Min)
    } else {
        (x + 55.0, Align::Max)
    };
    ink.text(
        at,
        middle + 4.0,
        align,
        &number,
        face(size::SMALL, Weight::Medium, palette.text2),
    );

    let bar = Rect::from_min_size(
        pos2(x + 58.0, middle - 4.0),
        vec2(card.rect.width() - 58.0 - 112.0, 8.0),
    );
    let since = Duration(now.0.saturating_sub(instance.since.0));
    let note = match instance.status {
        Status::Crashed => Some(format!("down {}", span(since))),
        Status::MachineLost => Some(format!("lost {}", span(since))),
        Status::Booting => Some("booting".to_owned()),
        _ => None,
    };
    if let Some(note) = note {
        ink.small(bar.left(), middle + 4.0, Align::Min, &note, palette.text2);
    } else {
        if share > 0.0 {
            let share = share.clamp(0.04, 1.0);
            let hatched = Rect::from_min_size(bar.min, vec2(bar.width() * share, bar.height()));
            widgets::hatched_bar(ink.painter, ink.rect(hatched), ink.zoom(), palette);
        } else if instance.state_bytes > 0 {
            ink.fill(bar, radius::BAR, palette.edge);
        } else {
            ink.fill(bar, radius::BAR, palette.raised);
        }
    }

    let columns = [
        (
            card.keeps_sessions,
            right - 66.0,
            instance.sessions,
            instance.lost_sessions,
        ),
        (true, right - 12.0, instance.unsaved, instance.lost_writes),
    ];
    for (shown, at, here, lost) in columns {
        if !shown || card.view.is_none() {
            continue;
        }
        if down && lost > 0 {
            ink.text(
                at,
                middle + 4.0,
                Align::Max,
                &loss_text(lost),
                face(size::BODY, Weight::Semibold, palette.lost),
            );
        } else {
            let colour = if down { palette.text2 } else { palette.text };
            ink.small(at, middle + 4.0, Align::Max, &grouped(here), colour);
        }
    }
}
