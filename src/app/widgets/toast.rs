//! Toasts: one line that says what happened, with one action. They never take the keyboard.

use egui::{Align2, Area, Context, Id, Order, Role, Sense, Stroke, WidgetInfo, pos2, vec2};

use crate::app::icons::Icon;
use crate::app::theme::{self, Weight, radius, size};

/// What a toast is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToastKind {
    /// Something was done. Goes after six seconds.
    Info,
    /// Something did not work. Stays until it is dismissed.
    Error,
}

/// A message; `A` is what its action means to the one who shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Toast<A> {
    /// What it is about.
    pub kind: ToastKind,
    /// One line.
    pub text: String,
    /// The word of its action ("Undo", "Show") and what it means.
    pub action: Option<(String, A)>,
    /// What it tells of: a later one about the same takes its place.
    pub about: Option<About>,
    /// Seconds it stays, unless it stays until it is dismissed.
    pub life_s: f32,
}

/// What a toast tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A step of the document, by number.
    Step(u64),
    /// What was taken back or done again last.
    Turn,
    /// The run.
    Run,
}

impl<A> Toast<A> {
    /// Something was done.
    pub fn info(text: impl Into<String>) -> Self {
        Self {
            kind: ToastKind::Info,
            text: text.into(),
            action: None,
            about: None,
            life_s: LIFE_S,
        }
    }

    /// Something did not work.
    pub fn error(text: impl Into<String>) -> Self {
        Self {
            kind: ToastKind::Error,
            ..Self::info(text)
        }
    }

    /// Takes the place of the one about the same.
    pub fn about(mut self, about: About) -> Self {
        self.about = Some(about);
        self
    }

    /// Stays so long.
    pub fn lasting(mut self, seconds: f32) -> Self {
        self.life_s = seconds;
        self
    }

    /// With an action.
    pub fn with_action(mut self, word: impl Into<String>, action: A) -> Self {
        self.action = Some((word.into(), action));
        self
    }
}

/// The toasts on the screen, newest at the bottom; at most [`Toasts::MOST`], the oldest goes first.
#[derive(Debug, Clone)]
pub struct Toasts<A> {
    shown: Vec<Shown<A>>,
    next: u64,
}

#[derive(Debug, Clone)]
struct Shown<A> {
    toast: Toast<A>,
    number: u64,
    /// Seconds it will still stay; it does not age under the pointer.
    left: f32,
}

impl<A> Default for Toasts<A> {
    fn default() -> Self {
        Self {
            shown: Vec::new(),
            next: 0,
        }
    }
}

const LIFE_S: f32 = 6.0;
const HEIGHT: f32 = 40.0;
const GAP: f32 = 8.0;

impl<A: Clone> Toasts<A> {
    /// As many are shown at once.
    pub const MOST: usize = 3;

    /// Adds a toast; the same text again, or news about the same, replaces the older one.
    pub fn push(&mut self, toast: Toast<A>) {
        self.shown.retain(|shown| {
            let same = toast.about.is_some() && shown.toast.about == toast.about;
            shown.toast.text != toast.text && !same
        });
        if self.shown.len() >= Self::MOST {
            self.shown.remove(0);
        }
        self.shown.push(Shown {
            left: toast.life_s,
            toast,
            number: self.next,
        });
        self.next += 1;
    }

    /// Looks through what is shown: whatever `keep` gives false for goes.
    pub fn revise(&mut self, mut keep: impl FnMut(&mut Toast<A>) -> bool) {
        self.shown.retain_mut(|shown| keep(&mut shown.toast));
    }

    /// What is shown now, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Toast<A>> {
        self.shown.iter().map(|shown| &shown.toast)
    }

    /// Shows the toasts above `anchor`, the bottom right corner of the place for them; returns the action of the one
    /// that was clicked.
    pub fn show(&mut self, ctx: &Context, anchor: egui::Pos2) -> Option<A> {
        let mut chosen = None;
        let mut bottom = anchor.y;
        let passed = ctx.input(|input| input.stable_dt).min(0.1);
        let mut gone = Vec::new();
        for shown in self.shown.iter_mut().rev() {
            let outcome = show_one(ctx, shown, pos2(anchor.x, bottom));
            bottom -= outcome.height + GAP;
            if outcome.acted {
                chosen = shown
                    .toast
                    .action
                    .as_ref()
                    .map(|(_, action)| action.clone());
            }
            if !outcome.hovered && shown.toast.kind == ToastKind::Info {
                shown.left -= passed;
            }
            if outcome.acted || outcome.dismissed || shown.left <= 0.0 {
                gone.push(shown.number);
            } else if shown.toast.kind == ToastKind::Info {
                ctx.request_repaint_after(std::time::Duration::from_millis(100));
            }
        }
        if !gone.is_empty() {
            self.shown.retain(|shown| !gone.contains(&shown.number));
            ctx.request_repaint();
        }
        chosen
    }
}

struct Outcome {
    acted: bool,
    dismissed: bool,
    hovered: bool,
    height: f32,
}

fn show_one<A>(ctx: &Context, shown: &Shown<A>, bottom_right: egui::Pos2) -> Outcome {
    let palette = theme::palette(ctx);
    let area = Area::new(Id::unique(("toast", shown.number)))
        .order(Order::Foreground)
        .fixed_pos(bottom_right)
        .pivot(Align2::RIGHT_BOTTOM)
        .interactable(true);
    area.show(ctx, |ui| {
        let body = theme::font(size::BODY, Weight::Regular);
        let strong = theme::font(size::BODY, Weight::Semibold);
        // In several lines where one would be wider than the window.
        let widest = (ctx.content_rect().width() - 200.0).clamp(160.0, 560.0);
        let text = ui
            .painter()
            .layout(shown.toast.text.clone(), body, palette.on_ink, widest);
        let word = shown.toast.action.as_ref().map(|(word, _)| word.as_str());
        let action = word.map(|word| {
            ui.painter()
                .layout_no_wrap(word.to_owned(), strong, palette.on_ink)
        });
        let action_width = action.as_ref().map_or(0.0, |action| action.size().x + 16.0);
        let width = (40.0 + text.size().x + 24.0 + action_width + 32.0).max(320.0);
        let height = HEIGHT.max(text.size().y + 20.0);
        let (rect, response) = ui.allocate_exact_size(vec2(width, height), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Status, true, &shown.toast.text));
        ui.ctx().accesskit_node_builder(response.id, |node| {
            node.set_live(match shown.toast.kind {
                ToastKind::Info => egui::accesskit::Live::Polite,
                ToastKind::Error => egui::accesskit::Live::Assertive,
            });
        });

        let painter = ui.painter();
        painter.add(theme::shadow(rect, palette, 1.0));
        painter.rect_filled(rect, radius::CARD, palette.text);
        let icon = match shown.toast.kind {
            ToastKind::Info => Icon::Check,
            ToastKind::Error => Icon::Warning,
        };
        let middle = rect.center().y;
        icon.paint_stroked(
            painter,
            pos2(rect.left() + 22.0, middle),
            16.0,
            1.8,
            palette.on_ink,
        );
        painter.galley(
            pos2(rect.left() + 40.0, middle - text.size().y / 2.0),
            text,
            palette.on_ink,
        );

        let cross =
            egui::Rect::from_center_size(pos2(rect.right() - 20.0, middle), vec2(24.0, 24.0));
        let dismiss = ui.interact(cross, response.id.with("dismiss"), Sense::click());
        dismiss.widget_info(|| WidgetInfo::labeled(Role::Button, true, "Dismiss message"));
        let ink = if dismiss.hovered() || dismiss.has_focus() {
            1.0
        } else {
            0.6
        };
        Icon::Cross.paint(
            ui.painter(),
            cross.center(),
            14.0,
            palette.on_ink.gamma_multiply(ink),
        );

        let mut acted = false;
        let mut over_action = false;
        if let (Some(word), Some(galley)) = (word, action) {
            let width = galley.size().x;
            let place = egui::Rect::from_center_size(
                pos2(cross.left() - 8.0 - width / 2.0, middle),
                vec2(width + 12.0, 28.0),
            );
            let act = ui.interact(place, response.id.with("action"), Sense::click());
            act.widget_info(|| WidgetInfo::labeled(Role::Button, true, word));
            let at = place.center() - galley.size() / 2.0;
            let under = at.y + galley.size().y - 1.0;
            ui.painter().galley(at, galley, palette.on_ink);
            let line = Stroke::new(if act.hovered() { 2.0 } else { 1.0 }, palette.on_ink);
            ui.painter().hline(at.x..=at.x + width, under, line);
            if act.has_focus() {
                let ring = Stroke::new(theme::stroke::FOCUS, palette.on_ink);
                ui.painter()
                    .rect_stroke(place, radius::TAG, ring, egui::StrokeKind::Inside);
            }
            acted = act.clicked();
            over_action = act.hovered();
        }
        Outcome {
            acted,
            dismissed: dismiss.clicked(),
            hovered: response.contains_pointer() || dismiss.hovered() || over_action,
            height,
        }
    })
    .inner
}
