//! What would have been without the latest fault: dots beside what happened, and what the difference is, in words.

use egui::{Align2, Painter, Shape, pos2, vec2};

use super::Places;
use super::window::TimeWindow;
use crate::app::run::state::View;
use crate::app::theme::{self, Palette, Weight, radius, size};
use crate::app::widgets::paint_text;
use crate::app::words::format;
use crate::model::Command;
use crate::sim::snapshot::{FaultView, Recovery};

/// Least room for a label beside what it is about.
const ROOM: f32 = 96.0;

/// The words, made a few times a second.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Words {
    /// When the fault was, and until when it is drawn, in seconds.
    span: (f64, f64),
    /// "without the crash"
    without: String,
    /// "caused 381 failed"
    caused: Option<String>,
    /// When the system had recovered, and "after 9.8 s".
    recovered: Option<(f64, String)>,
}

impl Words {
    /// Of the latest fault or change that has a twin; `None` if none has.
    pub fn of(view: &View) -> Option<Self> {
        let fault = view
            .snapshot
            .faults
            .iter()
            .rev()
            .find(|fault| fault.caused.is_some())?;
        Some(Self::for_fault(fault, view.snapshot.now.secs()))
    }

    fn for_fault(fault: &FaultView, now: f64) -> Self {
        let at = fault.at.secs();
        let caused = match fault.caused {
            Some(n) if n > 0 => Some(format!("caused {} failed", format::grouped(n as u64))),
            Some(n) if n < 0 => Some(format!("spared {}", format::grouped(n.unsigned_abs()))),
            _ => None,
        };
        let recovered = match fault.recovery {
            Some(Recovery::After(after)) if after.0 > 0 => {
                Some((at + after.secs(), format!("after {}", format::span(after))))
            }
            _ => None,
        };
        Self {
            span: (at, now),
            without: format!("without the {}", name(&fault.command)),
            caused,
            recovered,
        }
    }

    /// In a sentence, for a screen reader.
    pub fn sentence(&self) -> String {
        let caused = self
            .caused
            .as_ref()
            .map_or_else(String::new, |text| format!("{text} operations, "));
        let recovered = self
            .recovered
            .as_ref()
            .map_or_else(String::new, |(_, after)| format!("recovered {after}, "));
        format!("{caused}{recovered}dots show it {}", self.without)
    }

    /// Paints them where there is room.
    pub(super) fn paint(
        &self,
        painter: &Painter,
        places: &Places,
        window: &TimeWindow,
        palette: &Palette,
    ) {
        let data = places.data();
        let x = |seconds: f64| {
            window
                .x(seconds, places.across)
                .clamp(data.left(), data.right())
        };
        let (from, to) = (x(self.span.0), x(self.span.1));
        let small = |at, anchor: Align2, text: &str, weight, colour| {
            // A plate keeps the lines of the chart out of the words.
            let font = theme::font(size::SMALL, weight);
            let extent = painter.layout_no_wrap(text.to_owned(), font, colour).size();
            let plate = anchor.anchor_size(at, extent).expand2(vec2(3.0, 0.0));
            painter.rect_filled(plate, radius::TAG, palette.panel.gamma_multiply(0.75));
            paint_text(painter, at, anchor, text, size::SMALL, weight, colour);
        };
        let mut free = to;
        let recovered = self
            .recovered
            .as_ref()
            .filter(|(at, _)| places.across.contains(window.x(*at, places.across)));
        if let Some((at, after)) = recovered {
            let x = x(*at);
            let ends = [pos2(x, data.top()), pos2(x, places.lanes[1].bottom())];
            painter.extend(Shape::dotted_line(&ends, palette.text2, 3.6, 0.7));
            let middle = places.lanes[0].center().y;
            // Beside the line, on the side where there is room.
            let (side, anchor) = if x - from > 2.0 * ROOM || to - x < ROOM {
                free = x - ROOM * 0.8;
                (x - 6.0, Align2::RIGHT_CENTER)
            } else {
                free = x;
                (x + 6.0, Align2::LEFT_CENTER)
            };
            small(
                pos2(side, middle - 6.5),
                anchor,
                "recovered",
                Weight::Medium,
                palette.text,
            );
            small(
                pos2(side, middle + 6.5),
                anchor,
                after,
                Weight::Medium,
                palette.text,
            );
        }
        if free - from < ROOM {
            return;
        }
        if let Some(caused) = &self.caused {
            let at = pos2(from + 7.0, places.lanes[0].bottom() - 5.0);
            small(
                at,
                Align2::LEFT_BOTTOM,
                caused,
                Weight::Medium,
                palette.text,
            );
        }
        let at = pos2(from + 7.0, places.lanes[1].bottom() - 4.0);
        small(
            at,
            Align2::LEFT_BOTTOM,
            &self.without,
            Weight::Regular,
            palette.text2,
        );
    }
}

fn name(command: &Command) -> &'static str {
    match command {
        Command::Crash(..) => "crash",
        Command::LoseMachine(..) => "machine loss",
        Command::Hang(..) => "hang",
        Command::LoseZone(_) => "zone loss",
        Command::SlowInstance(..) => "slow instance",
        Command::Cut(_) | Command::CutOneWay(_) => "cut",
        Command::Slow(..) => "slow network",
        Command::Lose(..) => "lossy network",
        Command::Failover(..) | Command::ForceFailover(..) => "failover",
        Command::Deploy(..) => "deployment",
        Command::ReplaceSigningKey | Command::RotateKeys(_) => "new key",
        Command::AddInstances(..) | Command::RemoveInstances(..) => "scaling",
        Command::Resume(..)
        | Command::Heal(_)
        | Command::Restart(..)
        | Command::Set(..)
        | Command::Add(..)
        | Command::Remove(_)
        | Command::Link(_)
        | Command::Unlink(_) => "change",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::Sample;
    use crate::units::Duration;

    #[test]
    fn the_words_tell_the_latest_fault() {
        let mut sample = Sample::new();
        let words = Words::of(&sample.view()).expect("a twin");
        assert_eq!(words.without, "without the crash");
        assert_eq!(words.caused.as_deref(), Some("caused 381 failed"));
        assert_eq!(words.recovered, None);
        sample.snapshot.faults[0].recovery = Some(Recovery::After(Duration::from_secs(9.8)));
        let words = Words::of(&sample.view()).expect("a twin");
        assert_eq!(words.recovered, Some((69.8, "after 9.8 s".to_owned())));
        sample.snapshot.faults[0].caused = None;
        assert_eq!(Words::of(&sample.view()), None);
    }
}
