//! The start screen: a first minute to play, the presets, and the files of late.

mod cards;
mod hero;
mod side;

use std::path::PathBuf;

use egui::{
    Align, Align2, Key, Layout, Modifiers, Rect, ScrollArea, Stroke, StrokeKind, Ui, UiBuilder,
    pos2, vec2,
};

use crate::app::action::Action;
use crate::app::document::Document;
use crate::app::icons::Icon;
use crate::app::theme::{self, radius, space, stroke};
use crate::app::widgets::{Button, key_chip};
use crate::model::presets::{self, Preset};
use crate::model::{Topology, file};
use side::Recent;

/// The preset of the first minute.
const FIRST: &str = "sticky-in-memory";
/// Width of the column at the left, a smaller share of a narrow window.
const SIDE: f32 = 220.0;
const NARROW_SIDE: f32 = 168.0;
const INSET: f32 = 24.0;
const GAP: f32 = 12.0;
/// The start screen: what it has read of presets and recent files, and what is searched for.
#[derive(Debug, Default)]
pub struct Start {
    presets: Vec<(&'static Preset, Topology)>,
    recent: Vec<Recent>,
    search: String,
    /// The group that was jumped to last; none: the top.
    group: Option<&'static str>,
    /// The group to bring into view.
    jump: Option<Option<&'static str>>,
    /// Whether what is being opened is to be played at once.
    play: bool,
}

impl Start {
    /// Whether what was just opened is to be played at once; asked once.
    pub fn take_play(&mut self) -> bool {
        std::mem::take(&mut self.play)
    }

    /// Shows the screen; `open`: a document that can be gone back to.
    pub fn ui(&mut self, ui: &mut Ui, recent: &[PathBuf], open: Option<&Document>) -> Vec<Action> {
        self.read(recent);
        let mut actions = Vec::new();
        let palette = theme::palette(ui);
        let screen = ui.max_rect();
        ui.painter().rect_filled(screen, 0.0, palette.panel);
        let side = (screen.width() * 0.25).clamp(NARROW_SIDE, SIDE);
        let (side, main) = screen.split_left_right_at_x(screen.left() + side);
        let hair = Stroke::new(stroke::HAIR, palette.hair);
        ui.painter().vline(side.right() - 0.5, side.y_range(), hair);

        let inside = |rect: Rect, salt| UiBuilder::new().id_salt(salt).max_rect(rect);
        let mut left = ui.new_child(inside(side.shrink2(vec2(8.0, 12.0)), "side"));
        self.side_ui(&mut left, open, &mut actions);
        let mut right = ui.new_child(inside(main, "main"));
        right.set_clip_rect(main);
        self.main_ui(&mut right, &mut actions);

        let free =
            !ui.ctx().text_edit_focused() && ui.ctx().memory(|memory| memory.focused().is_none());
        if free && ui.input_mut(|input| input.consume_key(Modifiers::NONE, Key::Enter)) {
            self.play_first(&mut actions);
        }
        actions
    }

    fn read(&mut self, recent: &[PathBuf]) {
        if self.presets.is_empty() {
            // The presets that ship are tried by tests: none is left out here.
            self.presets = presets::all()
                .iter()
                .filter_map(|preset| Some((preset, file::read(preset.text, preset.name).ok()?)))
                .collect();
        }
        let same = self.recent.len() == recent.len()
            && self
                .recent
                .iter()
                .zip(recent)
                .all(|(r, path)| r.path == *path);
        if !same {
            self.recent = recent.iter().map(|path| Recent::of(path)).collect();
        }
    }

    fn main_ui(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        let whole = ui.max_rect();
        let head = Rect::from_min_size(
            pos2(whole.left() + INSET, whole.top() + 16.0),
            vec2(whole.width() - 2.0 * INSET, 32.0),
        );
        let mut head_ui = ui.new_child(
            UiBuilder::new()
                .id_salt("head")
                .max_rect(head)
                .layout(Layout::right_to_left(Align::Center)),
        );
        self.head_ui(&mut head_ui, actions);

        let below = whole.with_min_y(head.bottom() + 8.0);
        let mut body = ui.new_child(UiBuilder::new().id_salt("body").max_rect(below));
        body.set_clip_rect(below);
        ScrollArea::vertical()
            .auto_shrink(false)
            .show(&mut body, |ui| {
                ui.spacing_mut().item_spacing.y = 0.0;
                ui.add_space(space::S);
                let width = whole.width() - 2.0 * INSET;
                if self.search.trim().is_empty() {
                    self.hero_ui(ui, width, actions);
                }
                self.cards_ui(ui, width, actions);
                ui.add_space(INSET);
            });
        self.jump = None;
    }

    fn head_ui(&mut self, ui: &mut Ui, actions: &mut Vec<Action>) {
        ui.spacing_mut().item_spacing.x = space::S;
        // In a narrow window the search keeps its room, and the buttons are their icons.
        let narrow = ui.available_width() < 420.0;
        let blank = if narrow {
            Button::primary_icon(Icon::Plus, "Blank canvas")
        } else {
            Button::primary("Blank canvas").icon(Icon::Plus)
        };
        if ui.add(blank.height(32.0)).clicked() {
            actions.push(Action::New);
        }
        let open = if narrow {
            Button::icon_only(Icon::File, "Open").shortcut("Ctrl O")
        } else {
            Button::secondary("Open")
                .icon(Icon::File)
                .shortcut("Ctrl O")
        };
        if ui.add(open.height(32.0)).clicked() {
            actions.push(Action::Open);
        }
        let palette = theme::palette(ui);
        let rect = ui.available_rect_before_wrap();
        ui.painter().rect(
            rect,
            radius::CONTROL,
            palette.canvas,
            Stroke::new(stroke::HAIR, palette.hair),
            StrokeKind::Inside,
        );
        Icon::Search.paint(
            ui.painter(),
            pos2(rect.left() + 18.0, rect.center().y),
            15.0,
            palette.text3,
        );
        let hint = format!(
            "Search {} topologies: redis, JWT, disk...",
            self.presets.len()
        );
        let text = Rect::from_min_max(
            pos2(rect.left() + 32.0, rect.top()),
            pos2(rect.right() - 36.0, rect.bottom()),
        );
        let edit = egui::TextEdit::singleline(&mut self.search)
            .id_salt("search")
            .frame(egui::Frame::NONE)
            .margin(egui::Margin::ZERO)
            .hint_text(hint)
            .align(Align2::LEFT_CENTER);
        let edit = ui.put(text, edit);
        ui.ctx().accesskit_node_builder(edit.id, |node| {
            node.set_label("Search topologies");
        });
        if edit.has_focus() {
            let ring = Stroke::new(stroke::FOCUS, palette.text);
            ui.painter()
                .rect_stroke(rect, radius::CONTROL, ring, StrokeKind::Inside);
        }
        let chip =
            Rect::from_center_size(pos2(rect.right() - 18.0, rect.center().y), vec2(16.0, 17.0));
        key_chip(&mut ui.new_child(UiBuilder::new().max_rect(chip)), "/");
        let slash = |input: &mut egui::InputState| {
            let is_it = |e: &egui::Event| matches!(e, egui::Event::Text(text) if text == "/");
            let found = input.events.iter().any(is_it);
            input.events.retain(|event| !is_it(event));
            found
        };
        if !ui.ctx().text_edit_focused() && ui.input_mut(slash) {
            edit.request_focus();
        }
    }
}
