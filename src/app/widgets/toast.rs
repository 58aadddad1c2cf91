//! Toasts: one line that says what happened, with one action. They never take the keyboard, and lie where they cover
//! nothing that matters, least of all what they speak of.

use std::sync::Arc;

use egui::{
    Area, Context, Galley, Id, Order, Rect, Role, Sense, Stroke, Vec2, WidgetInfo, pos2, vec2,
};

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

/// What a toast should not lie over.
#[derive(Debug, Clone, PartialEq)]
pub struct Cover {
    /// Where it is.
    pub rect: Rect,
    /// What it is called, if a toast can speak of it.
    pub name: Option<String>,
}

impl Cover {
    /// A bar, of which no toast speaks.
    pub fn bar(rect: Rect) -> Self {
        Self { rect, name: None }
    }

    /// Something with a name.
    pub fn named(rect: Rect, name: &str) -> Self {
        let name = Some(name.to_owned());
        Self { rect, name }
    }

    /// How bad it is to cover a point of it: worst where the text speaks of it, and where one would click.
    fn weight(&self, text: &str) -> f32 {
        let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        match &self.name {
            None => 4.0,
            Some(name) if text.split(|c| !is_part(c)).any(|word| word == name) => 8.0,
            Some(_) => 1.0,
        }
    }
}

/// The toasts on the screen; at most [`Toasts::MOST`], the oldest goes first.
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
    /// Seconds it has been there.
    age: f32,
    place: Option<Place>,
}

/// Where a toast lies, and what for: it keeps its place until the room is another, or something comes or goes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Place {
    rect: Rect,
    room: Rect,
    covers: usize,
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
/// What it speaks of may still be on its way: so long it makes room for that, in seconds.
const SETTLES_S: f32 = 0.5;
/// How far it stays from what it should not lie over.
const CLEAR: f32 = 2.0;
/// How finely a place is looked for.
const GRAIN: f32 = 4.0;

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
            age: 0.0,
            place: None,
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

    /// Shows the toasts in a room, where they cover as little as can be of what is there; returns the action of the one
    /// that was clicked.
    pub fn show(&mut self, ctx: &Context, room: Rect, covers: &[Cover]) -> Option<A> {
        let mut chosen = None;
        let (passed, pointer) =
            ctx.input(|input| (input.stable_dt.min(0.1), input.pointer.hover_pos()));
        let mut gone = Vec::new();
        let mut taken: Vec<Rect> = Vec::new();
        for shown in &mut self.shown {
            let laid = Laid::new(ctx, &shown.toast, room);
            let rect = match shown.place {
                // It does not go away from under the pointer.
                Some(place)
                    if place.room == room && pointer.is_some_and(|at| place.rect.contains(at)) =>
                {
                    place.rect
                }
                _ => shown.settle(laid.size, room, covers, &taken),
            };
            taken.push(rect);
            let outcome = show_one(ctx, shown, laid, rect);
            if outcome.acted {
                chosen = shown
                    .toast
                    .action
                    .as_ref()
                    .map(|(_, action)| action.clone());
            }
            shown.age += passed;
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

impl<A> Shown<A> {
    /// Where it lies now.
    fn settle(&mut self, size: Vec2, room: Rect, covers: &[Cover], taken: &[Rect]) -> Rect {
        let burden = |rect: Rect| {
            let over = |other: Rect, gap: f32| {
                let shared = rect.expand(gap).intersect(other);
                if shared.is_positive() {
                    shared.area()
                } else {
                    0.0
                }
            };
            let covered = covers
                .iter()
                .map(|cover| over(cover.rect, CLEAR) * cover.weight(&self.toast.text));
            let hidden = taken.iter().map(|&toast| over(toast, GAP) * 100.0);
            covered.chain(hidden).sum::<f32>()
        };
        if let Some(place) = self.place
            && place.room == room
            && (place.covers == covers.len() && self.age > SETTLES_S
                || burden(place.rect) <= 0.0 && place.rect.size() == size)
        {
            return place.rect;
        }
        let rect = places(size, room)
            .map(|rect| (rect, burden(rect)))
            .reduce(|best, next| if next.1 < best.1 { next } else { best })
            .map_or_else(
                || Rect::from_min_size(room.max - size, size),
                |(rect, _)| rect,
            );
        self.place = Some(Place {
            rect,
            room,
            covers: covers.len(),
        });
        rect
    }
}

/// Places in a room, the best first: from the lower right corner upwards, then at the left, then in the middle.
fn places(size: Vec2, room: Rect) -> impl Iterator<Item = Rect> {
    let most = (room.size() - size).max(Vec2::ZERO);
    let columns = [most.x, 0.0, (most.x / 2.0).round()];
    let rows = (most.y / GRAIN).floor() as usize + 1;
    columns.into_iter().flat_map(move |x| {
        (0..rows).map(move |row| {
            let y = most.y - row as f32 * GRAIN;
            Rect::from_min_size(room.min + vec2(x, y), size)
        })
    })
}

/// The words of a toast, and how much room they take.
struct Laid {
    text: Arc<Galley>,
    action: Option<Arc<Galley>>,
    size: Vec2,
}

impl Laid {
    fn new<A>(ctx: &Context, toast: &Toast<A>, room: Rect) -> Self {
        let ink = theme::palette(ctx).on_ink;
        let lay = |text: &str, weight, most| {
            let font = theme::font(size::BODY, weight);
            ctx.fonts_mut(|fonts| fonts.layout(text.to_owned(), font, ink, most))
        };
        let word = toast.action.as_ref().map(|(word, _)| word);
        let action = word.map(|word| lay(word, Weight::Semibold, f32::INFINITY));
        let action_width = action.as_ref().map_or(0.0, |action| action.size().x + 16.0);
        let around = 40.0 + 24.0 + action_width + 32.0;
        // In several lines where one would be wider than the room.
        let widest = (room.width() - around).clamp(160.0, 560.0);
        let text = lay(&toast.text, Weight::Regular, widest);
        let width = (around + text.size().x).max(320.0);
        let height = HEIGHT.max(text.size().y + 20.0);
        Self {
            text,
            action,
            size: vec2(width, height).ceil(),
        }
    }
}

struct Outcome {
    acted: bool,
    dismissed: bool,
    hovered: bool,
}

fn show_one<A>(ctx: &Context, shown: &Shown<A>, laid: Laid, place: Rect) -> Outcome {
    let palette = theme::palette(ctx);
    let area = Area::new(Id::unique(("toast", shown.number)))
        .order(Order::Foreground)
        .fixed_pos(place.min)
        .interactable(true);
    let Laid { text, action, size } = laid;
    area.show(ctx, |ui| {
        let word = shown.toast.action.as_ref().map(|(word, _)| word.as_str());
        let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
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
        }
    })
    .inner
}
