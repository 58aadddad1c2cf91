//! Several cards put in line, or at equal distances.

use egui::{Key, Pos2, Rect, pos2};

use crate::app::icons::Icon;

/// A way to arrange cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrange {
    /// Left edges on one line.
    Left,
    /// Middles on one upright line.
    Centre,
    /// Right edges on one line.
    Right,
    /// Upper edges on one line.
    Top,
    /// Middles on one level line.
    Middle,
    /// Lower edges on one line.
    Bottom,
    /// Equal gaps from left to right.
    Across,
    /// Equal gaps from top to bottom.
    Down,
}

impl Arrange {
    /// All, in the order of the menu.
    pub const ALL: [Self; 8] = [
        Self::Left,
        Self::Centre,
        Self::Right,
        Self::Top,
        Self::Middle,
        Self::Bottom,
        Self::Across,
        Self::Down,
    ];

    /// What it is called on a button.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Left => "Align left edges",
            Self::Centre => "Align centres",
            Self::Right => "Align right edges",
            Self::Top => "Align top edges",
            Self::Middle => "Align middles",
            Self::Bottom => "Align bottom edges",
            Self::Across => "Distribute across",
            Self::Down => "Distribute down",
        }
    }

    /// The key that does it, with Alt.
    pub const fn key(self) -> Option<Key> {
        match self {
            Self::Left => Some(Key::A),
            Self::Centre => Some(Key::H),
            Self::Right => Some(Key::D),
            Self::Top => Some(Key::W),
            Self::Middle => Some(Key::V),
            Self::Bottom => Some(Key::S),
            Self::Across | Self::Down => None,
        }
    }

    /// The same as it is written.
    pub fn shortcut(self) -> String {
        self.key()
            .map_or_else(String::new, |key| format!("Alt {}", key.name()))
    }

    /// What the step is called.
    pub fn label(self, count: usize) -> String {
        let what = match self {
            Self::Left => "left edges",
            Self::Centre => "centres",
            Self::Right => "right edges",
            Self::Top => "top edges",
            Self::Middle => "middles",
            Self::Bottom => "bottom edges",
            Self::Across => return format!("Distributed {count} nodes across"),
            Self::Down => return format!("Distributed {count} nodes down"),
        };
        format!("Aligned {what} of {count} nodes")
    }

    /// Its icon.
    pub fn icon(self) -> Icon {
        match self {
            Self::Left => Icon::AlignLeft,
            Self::Centre => Icon::AlignCentre,
            Self::Right => Icon::AlignRight,
            Self::Top => Icon::AlignTop,
            Self::Middle => Icon::AlignMiddle,
            Self::Bottom => Icon::AlignBottom,
            Self::Across => Icon::DistributeAcross,
            Self::Down => Icon::DistributeDown,
        }
    }

    /// How many cards it takes.
    pub fn least(self) -> usize {
        match self {
            Self::Across | Self::Down => 3,
            _ => 2,
        }
    }

    /// Where the cards go, in their order: the outermost ones stay.
    pub fn places(self, cards: &[Rect]) -> Vec<Pos2> {
        let all = cards
            .iter()
            .fold(Rect::NOTHING, |all, card| all.union(*card));
        let at = |card: &Rect| match self {
            Self::Left => pos2(all.left(), card.top()),
            Self::Centre => pos2(all.center().x - card.width() / 2.0, card.top()),
            Self::Right => pos2(all.right() - card.width(), card.top()),
            Self::Top => pos2(card.left(), all.top()),
            Self::Middle => pos2(card.left(), all.center().y - card.height() / 2.0),
            Self::Bottom => pos2(card.left(), all.bottom() - card.height()),
            Self::Across | Self::Down => card.min,
        };
        let mut places: Vec<Pos2> = cards.iter().map(at).collect();
        match self {
            Self::Across => {
                let spans = cards.iter().map(|card| (card.left(), card.width()));
                for (place, x) in places
                    .iter_mut()
                    .zip(spread(spans, all.left(), all.right()))
                {
                    place.x = x;
                }
            }
            Self::Down => {
                let spans = cards.iter().map(|card| (card.top(), card.height()));
                for (place, y) in places
                    .iter_mut()
                    .zip(spread(spans, all.top(), all.bottom()))
                {
                    place.y = y;
                }
            }
            _ => {}
        }
        places.into_iter().map(Pos2::round).collect()
    }
}

/// Where things of a length begin that stand from one end to the other at equal distances, in the order in which they
/// stand now.
fn spread(spans: impl Iterator<Item = (f32, f32)>, from: f32, to: f32) -> Vec<f32> {
    let spans: Vec<(f32, f32)> = spans.collect();
    let filled: f32 = spans.iter().map(|(_, length)| length).sum();
    let gap = (to - from - filled) / (spans.len().max(2) - 1) as f32;
    let mut order: Vec<usize> = (0..spans.len()).collect();
    let middle = |index: &usize| spans[*index].0 + spans[*index].1 / 2.0;
    order.sort_by(|a, b| middle(a).total_cmp(&middle(b)));
    let mut begins = vec![0.0; spans.len()];
    let mut at = from;
    for index in order {
        begins[index] = at;
        at += spans[index].1 + gap;
    }
    begins
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::vec2;

    fn cards() -> [Rect; 3] {
        [
            Rect::from_min_size(pos2(500.0, 300.0), vec2(190.0, 94.0)),
            Rect::from_min_size(pos2(20.0, 40.0), vec2(128.0, 104.0)),
            Rect::from_min_size(pos2(200.0, 100.0), vec2(248.0, 200.0)),
        ]
    }

    #[test]
    fn edges_and_middles_come_to_stand_on_one_line() {
        let moved = |way: Arrange| -> Vec<Rect> {
            let places = way.places(&cards());
            let sizes = cards().map(|card| card.size());
            let moved = places.into_iter().zip(sizes);
            moved
                .map(|(at, size)| Rect::from_min_size(at, size))
                .collect()
        };
        for (way, line) in [
            (Arrange::Left, (|r: &Rect| r.left()) as fn(&Rect) -> f32),
            (Arrange::Centre, |r| r.center().x),
            (Arrange::Right, |r| r.right()),
            (Arrange::Top, |r| r.top()),
            (Arrange::Middle, |r| r.center().y),
            (Arrange::Bottom, |r| r.bottom()),
        ] {
            let lines: Vec<f32> = moved(way).iter().map(line).collect();
            assert!(
                lines.iter().all(|at| (at - lines[0]).abs() <= 0.5),
                "{way:?} {lines:?}"
            );
        }
    }

    #[test]
    fn distributed_cards_have_equal_gaps_and_the_outermost_stay() {
        let across = Arrange::Across.places(&cards());
        assert_eq!(across[1], cards()[1].min);
        assert_eq!(across[0], cards()[0].min);
        let gaps = [
            across[2].x - (across[1].x + 128.0),
            across[0].x - (across[2].x + 248.0),
        ];
        assert!((gaps[0] - gaps[1]).abs() <= 1.0, "{gaps:?}");
        assert_eq!(across[2].y, 100.0);
    }
}
