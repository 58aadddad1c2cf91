//! One event of the log: what happened and what it cost.

use egui::text::LayoutJob;
use egui::{Color32, Response, Role, Sense, TextFormat, TextWrapMode, Ui, WidgetInfo, pos2, vec2};

use crate::app::icons::Icon;
use crate::app::theme::{self, Palette, Weight, height, size};
use crate::app::words::{Span, SpanKind};

/// One event.
#[derive(Debug, Clone)]
pub struct LogRow<'a> {
    /// What kind of event.
    pub icon: Icon,
    /// When, in simulated time: "65.1 s".
    pub time: &'a str,
    /// What happened, in a few words.
    pub title: &'a str,
    /// What it cost.
    pub detail: &'a [Span],
    /// Whether something was lost: the row gets the ground of a loss.
    pub lost: bool,
    /// Whether it has not happened yet.
    pub scheduled: bool,
    /// With the detail on lines of its own (in the log) rather than beside (in a single line).
    pub tall: bool,
}

impl LogRow<'_> {
    /// Shows the row over the whole width; it can be clicked.
    pub fn show(&self, ui: &mut Ui) -> Response {
        let palette = theme::palette(ui);
        let fade = if self.scheduled { 0.65 } else { 1.0 };
        let left = 12.0 + 14.0 + 8.0;
        let words = left + 46.0;
        let room = (ui.available_width() - words - 12.0).max(20.0);
        let (title, detail) = if self.tall {
            let title = self.job(palette, fade, true, false, room);
            let detail = self.job(palette, fade, false, true, room);
            (
                ui.painter().layout_job(title),
                (!self.detail.is_empty()).then(|| ui.painter().layout_job(detail)),
            )
        } else {
            let mut job = self.job(palette, fade, true, true, room);
            job.wrap =
                egui::text::TextWrapping::from_wrap_mode_and_width(TextWrapMode::Truncate, room);
            (ui.painter().layout_job(job), None)
        };
        let row = match &detail {
            Some(detail) => 14.0 + title.size().y + detail.size().y,
            None if self.tall => 14.0 + title.size().y,
            None => height::ROW,
        };
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), row), Sense::click());
        response
            .widget_info(|| WidgetInfo::labeled(Role::ListItem, ui.is_enabled(), self.sentence()));
        let painter = ui.painter();
        if self.lost {
            painter.rect_filled(rect, 0.0, palette.lost_tint);
        }
        if response.hovered() {
            painter.rect_filled(rect, 0.0, palette.text.gamma_multiply(0.05));
        }
        if response.has_focus() {
            let ring = egui::Stroke::new(theme::stroke::SELECTED, palette.text);
            painter.rect_stroke(rect, 0.0, ring, egui::StrokeKind::Inside);
        }
        let first = if self.tall {
            rect.top() + 7.0 + title.size().y / 2.0
        } else {
            rect.center().y
        };
        self.icon.paint(
            painter,
            pos2(rect.left() + 19.0, first),
            14.0,
            palette.text2.gamma_multiply(fade),
        );
        super::paint_text(
            painter,
            pos2(rect.left() + left, first),
            egui::Align2::LEFT_CENTER,
            self.time,
            size::SMALL,
            Weight::Regular,
            palette.text3.gamma_multiply(fade),
        );
        let x = rect.left() + words;
        let below = first + title.size().y / 2.0;
        painter.galley(pos2(x, first - title.size().y / 2.0), title, palette.text);
        if let Some(detail) = detail {
            painter.galley(pos2(x, below), detail, palette.text2);
        }
        response
    }

    /// What a screen reader says.
    fn sentence(&self) -> String {
        let detail: String = self
            .detail
            .iter()
            .map(|span| span.text.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        format!("{} {}. {detail}", self.time, self.title)
    }

    fn job(&self, palette: &Palette, fade: f32, title: bool, detail: bool, room: f32) -> LayoutJob {
        let mut job = LayoutJob::default();
        job.wrap.max_width = room;
        let format = |size: f32, weight: Weight, colour: Color32| TextFormat {
            font_id: theme::font(size, weight),
            line_height: Some(theme::line_height(size)),
            color: colour.gamma_multiply(fade),
            valign: egui::Align::Center,
            ..TextFormat::default()
        };
        if title {
            job.append(
                self.title,
                0.0,
                format(size::BODY, Weight::Medium, palette.text),
            );
        }
        if detail {
            for (i, span) in self.detail.iter().enumerate() {
                let (weight, colour) = match span.kind {
                    SpanKind::Plain => (Weight::Regular, palette.text2),
                    SpanKind::Strong => (Weight::Medium, palette.text),
                    SpanKind::Failed => (Weight::Medium, palette.failed),
                    SpanKind::Lost => (Weight::Semibold, palette.lost),
                };
                // Beside the title more room, between parts of a sentence a space.
                let space = match (i, title) {
                    (0, true) => 8.0,
                    (0, false) => 0.0,
                    _ => 4.0,
                };
                job.append(&span.text, space, format(size::SMALL, weight, colour));
            }
        }
        job
    }
}
