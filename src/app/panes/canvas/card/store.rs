//! Stores: what they keep, how safe it is, and their members.

use egui::Align;

use crate::app::panes::canvas::ink::{Ink, face};
use crate::app::panes::canvas::scene::Card;
use crate::app::theme::{Weight, size};
use crate::app::words::format::grouped;
use crate::app::words::format::{joined, time};
use crate::app::words::nodes;
use crate::model::Node;
use crate::model::state::FsyncPolicy;

pub(super) fn paint(ink: &mut Ink, card: &Card) {
    let palette = ink.palette;
    let (x, y) = (card.rect.left(), card.rect.top());
    let (right, bottom) = (card.rect.right(), card.rect.bottom());
    let kept = card.view.map(|view| view.state_bytes).filter(|&b| b > 0);
    let runs = card.view.is_some();
    let rate = card.reading.map_or(0.0, |reading| reading.throughput);
    let rate = nodes::per_second(rate);
    let (kind, icon) = match card.node {
        Node::RedisLike(_) => ("Redis-like", crate::app::icons::Icon::RedisLike),
        Node::SqlDatabase(_) => ("SQL", crate::app::icons::Icon::LocalDatabase),
        _ => {
            let text = if runs {
                format!("Object store, {rate}")
            } else {
                "Object store".to_owned()
            };
            ink.small(x + 12.0, y + 46.0, Align::Min, &text, palette.text2);
            return;
        }
    };
    let text = kept.map_or_else(
        || kind.to_owned(),
        |kept| format!("{kind}, {}", nodes::bytes(kept)),
    );
    ink.badge(
        x + 10.0,
        y + 34.0,
        card.rect.width() - 20.0,
        icon,
        &text,
        true,
    );

    let exposed = card.view.map_or(0, |view| view.only_here_writes);
    if exposed > 0 {
        let text = format!("{} unsaved", grouped(exposed));
        ink.text(
            right - 12.0,
            bottom - 16.0,
            Align::Max,
            &text,
            face(size::SMALL, Weight::Medium, palette.lost),
        );
    } else if card.instances.len() < 5 {
        let text = safety(card.node).unwrap_or_else(|| if runs { rate } else { String::new() });
        ink.small(
            right - 12.0,
            bottom - 16.0,
            Align::Max,
            &text,
            palette.text2,
        );
    }
}

/// What says most about how safe its data is.
fn safety(node: &Node) -> Option<String> {
    match node {
        Node::RedisLike(redis) => Some(nodes::persistence(redis.persistence).to_owned()),
        Node::SqlDatabase(sql) if sql.fsync != FsyncPolicy::Always => {
            Some(nodes::fsync(sql.fsync).to_owned())
        }
        Node::SqlDatabase(sql) if sql.replication.replicas() > 0 => Some(format!(
            "lag {}",
            joined(time(sql.replication.lag().secs()))
        )),
        _ => None,
    }
}
