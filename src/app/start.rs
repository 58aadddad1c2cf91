//! The start screen: a first minute to play, the presets, and the files of late.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use egui::{
    Align, Align2, Color32, Key, Layout, Modifiers, Painter, Pos2, Rect, Response, Role,
    ScrollArea, Sense, Stroke, StrokeKind, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::action::Action;
use super::canvas::mini::paint_mini;
use super::document::Document;
use super::icons::Icon;
use super::theme::{self, Palette, Weight, height, radius, size, space, stroke};
use super::widgets::{
    Button, LOSS_TAG_HEIGHT, Pip, PipState, grouped, hatched_bar, key_chip, logo, loss_tag,
    loss_text, paint_pip, paint_text, tag,
};
use crate::model::presets::{self, Preset};
use crate::model::{Node, Topology, file};

/// The preset of the first minute.
const FIRST: &str = "sticky-in-memory";
/// Width of the column at the left, a smaller share of a narrow window.
const SIDE: f32 = 220.0;
const NARROW_SIDE: f32 = 168.0;
const INSET: f32 = 24.0;
const GAP: f32 = 12.0;
const PICTURE: f32 = 96.0;
const CARD: f32 = 166.0;
/// Least height of the first minute with its picture, and the least width of its text beside that.
const HERO: f32 = 216.0;
const HERO_TEXT: f32 = 240.0;
const HERO_PADDING: egui::Vec2 = vec2(24.0, 20.0);

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

#[derive(Debug)]
struct Recent {
    path: PathBuf,
    name: String,
    age: String,
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

    fn side_ui(&mut self, ui: &mut Ui, open: Option<&Document>, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        ui.spacing_mut().item_spacing.y = 0.0;
        let (brand, _) = ui.allocate_exact_size(vec2(ui.available_width(), 32.0), Sense::hover());
        let brand = brand.with_max_y(brand.top() + 18.0);
        let left = brand.left_center() + vec2(17.0, 0.0);
        logo(ui.painter(), left, 18.0, palette.panel, palette);
        paint_text(
            ui.painter(),
            brand.left_center() + vec2(34.0, 0.0),
            Align2::LEFT_CENTER,
            "statescope",
            size::FIGURE,
            Weight::Semibold,
            palette.text,
        );

        let row = Row::new("Start here", "");
        if row.selected(self.group.is_none()).show(ui).clicked() {
            self.group = None;
            self.jump = Some(None);
        }
        for group in presets::groups() {
            let count = self
                .presets
                .iter()
                .filter(|(p, _)| p.group == group)
                .count();
            let count = count.to_string();
            let row = Row::new(group, &count).selected(self.group == Some(group));
            if row.show(ui).clicked() {
                self.group = Some(group);
                self.search.clear();
                self.jump = Some(Some(group));
            }
        }

        if let Some(document) = open {
            caption(ui, "Open now");
            let title = document.title();
            let mark = if document.dirty() { "unsaved" } else { "" };
            let row = Row::new(&title, mark).icon(Icon::Play);
            if row.show(ui).clicked() {
                actions.push(Action::ShowMain);
            }
        }
        if !self.recent.is_empty() {
            caption(ui, "Recent");
        }
        for recent in &self.recent {
            let row = Row::new(&recent.name, &recent.age).icon(Icon::File);
            let response = row.show(ui);
            let path = recent.path.display().to_string();
            if response.clicked() {
                actions.push(Action::OpenPath(recent.path.clone()));
            }
            response.context_menu(|ui| {
                let forget = super::widgets::menu_item(ui, None, "Take off this list", "");
                if forget.clicked() {
                    actions.push(Action::ForgetRecent(recent.path.clone()));
                }
            });
            response.on_hover_text(path);
        }

        ui.with_layout(Layout::bottom_up(Align::Min), |ui| {
            ui.horizontal(|ui| {
                ui.set_height(height::BUTTON);
                ui.add_space(10.0);
                let version = env!("CARGO_PKG_VERSION");
                ui.label(theme::text(
                    version,
                    size::SMALL,
                    Weight::Regular,
                    palette.text3,
                ));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    ui.spacing_mut().item_spacing.x = 0.0;
                    let help = Button::icon_only(Icon::Help, "Shortcuts").shortcut("?");
                    if ui.add(help).clicked() {
                        actions.push(Action::ToggleHelp);
                    }
                    let other = if palette.dark {
                        "Light theme"
                    } else {
                        "Dark theme"
                    };
                    if ui.add(Button::icon_only(Icon::Theme, other)).clicked() {
                        actions.push(Action::ToggleTheme);
                    }
                });
            });
        });
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

    fn play_first(&mut self, actions: &mut Vec<Action>) {
        self.play = true;
        actions.push(Action::OpenPreset(FIRST.to_owned()));
    }

    fn hero_ui(&mut self, ui: &mut Ui, width: f32, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        let Some((_, topology)) = self.presets.iter().find(|(p, _)| p.name == FIRST) else {
            return;
        };
        // The picture goes where the text would have no room beside it; what the text needs decides the height.
        let mut picture_width = (width * 0.465).clamp(300.0, 470.0);
        if width - picture_width < HERO_TEXT + 2.0 * HERO_PADDING.x {
            picture_width = 0.0;
        }
        let text_width = width - picture_width - 2.0 * HERO_PADDING.x;
        let lay = |text: String, points, weight, colour| {
            let font = theme::font(points, weight);
            ui.painter().layout(text, font, colour, text_width)
        };
        let title = lay(
            "Lose a session".to_owned(),
            size::HERO,
            Weight::Semibold,
            palette.text,
        );
        let line = lay(
            first_minute(topology),
            size::FIGURE,
            Weight::Regular,
            palette.text2,
        );
        let above = 20.0 + 10.0 + title.size().y + 2.0 + line.size().y;
        let needed = above + space::M + 32.0 + 2.0 * HERO_PADDING.y;
        let least = if picture_width > 0.0 { HERO } else { 0.0 };
        let wanted = vec2(width + INSET, needed.ceil().max(least));
        let (row, _) = ui.allocate_exact_size(wanted, Sense::hover());
        let rect = Rect::from_min_size(row.min + vec2(INSET, 0.0), vec2(width, wanted.y));
        if self.jump == Some(None) {
            ui.scroll_to_rect(rect.expand(16.0), Some(Align::Min));
        }
        let hair = Stroke::new(stroke::HAIR, palette.hair);
        ui.painter()
            .rect(rect, radius::CARD, palette.card, hair, StrokeKind::Inside);
        let (text, picture) = rect.split_left_right_at_x(rect.right() - picture_width);
        if picture_width > 0.0 {
            hero_picture(ui.painter(), picture, topology, palette);
            ui.painter().vline(picture.left(), picture.y_range(), hair);
        }
        ui.painter()
            .rect_stroke(rect, radius::CARD, hair, StrokeKind::Inside);

        let inner = text.shrink2(HERO_PADDING);
        {
            let ui = &mut ui.new_child(UiBuilder::new().id_salt("first minute").max_rect(inner));
            ui.set_clip_rect(inner.expand(8.0).intersect(ui.clip_rect()));
            tag(ui, "Your first minute");
            ui.add_space(10.0);
            ui.add(egui::Label::new(title));
            ui.add_space(2.0);
            ui.add(egui::Label::new(line));
        }
        let foot = Rect::from_min_max(pos2(inner.left(), inner.bottom() - 32.0), inner.max);
        let row = UiBuilder::new()
            .id_salt("play")
            .max_rect(foot)
            .layout(Layout::left_to_right(Align::Center));
        let row = &mut ui.new_child(row);
        let button = Button::primary("Play")
            .icon(Icon::Play)
            .shortcut("Enter")
            .height(32.0);
        let play = row.add(button).clicked();
        let small = "1 minute, 6 clicks";
        let small = theme::text(small, size::BODY, Weight::Regular, palette.text3);
        row.add(egui::Label::new(small).truncate());
        if play {
            self.play_first(actions);
        }
    }

    fn cards_ui(&mut self, ui: &mut Ui, width: f32, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        let wanted = self.search.trim().to_lowercase();
        let columns = ((width + GAP) / (230.0 + GAP)).floor().clamp(1.0, 6.0);
        let card = vec2((width - GAP * (columns - 1.0)) / columns, CARD);
        let mut any = false;
        for group in presets::groups() {
            let shown: Vec<_> = self
                .presets
                .iter()
                .filter(|(preset, _)| preset.group == group && matches(preset, &wanted))
                .collect();
            if shown.is_empty() {
                continue;
            }
            any = true;
            let (heading, _) = ui.allocate_exact_size(vec2(width, 40.0), Sense::hover());
            if self.jump == Some(Some(group)) {
                ui.scroll_to_rect(heading, Some(Align::Min));
            }
            let at = pos2(ui.min_rect().left() + INSET, heading.center().y + 2.0);
            paint_text(
                ui.painter(),
                at,
                Align2::LEFT_CENTER,
                group,
                size::BODY,
                Weight::Semibold,
                palette.text,
            );
            for row in shown.chunks(columns as usize) {
                let (place, _) = ui.allocate_exact_size(vec2(width, CARD), Sense::hover());
                for (column, (preset, topology)) in row.iter().enumerate() {
                    let x = ui.min_rect().left() + INSET + column as f32 * (card.x + GAP);
                    let rect = Rect::from_min_size(pos2(x, place.top()), card);
                    if preset_card(ui, rect, preset, topology).clicked() {
                        self.play = false;
                        actions.push(Action::OpenPreset(preset.name.to_owned()));
                    }
                }
                ui.add_space(GAP);
            }
        }
        if !any {
            let (row, _) = ui.allocate_exact_size(vec2(width + INSET, 140.0), Sense::hover());
            let rect = Rect::from_min_size(row.min + vec2(INSET, 16.0), vec2(width, 108.0));
            super::widgets::empty_state(
                ui.painter(),
                rect,
                Icon::Search,
                "No topology matches",
                "Other words, or start with a blank canvas",
                palette,
            );
        }
    }
}

fn matches(preset: &Preset, wanted: &str) -> bool {
    let all = format!(
        "{} {} {} {}",
        preset.name, preset.group, preset.title, preset.line
    )
    .to_lowercase();
    wanted.split_whitespace().all(|word| all.contains(word))
}

impl Recent {
    fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default();
        let changed = std::fs::metadata(path).and_then(|file| file.modified());
        let age = changed
            .ok()
            .and_then(|at| SystemTime::now().duration_since(at).ok());
        Self {
            path: path.to_owned(),
            name: name.to_string_lossy().into_owned(),
            age: age.map_or_else(|| "gone".to_owned(), |age| age_text(age.as_secs())),
        }
    }
}

/// How long ago: "now", "5 min", "2 h", "3 d".
fn age_text(seconds: u64) -> String {
    match seconds {
        0..60 => "now".to_owned(),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn caption(ui: &mut Ui, text: &str) {
    let palette = theme::palette(ui);
    ui.add_space(16.0);
    ui.horizontal(|ui| {
        ui.add_space(10.0);
        ui.label(theme::text(
            text,
            size::SMALL,
            Weight::Regular,
            palette.text3,
        ));
    });
    ui.add_space(space::XS);
}

/// A row of the column at the left.
struct Row<'a> {
    text: &'a str,
    remark: &'a str,
    icon: Option<Icon>,
    selected: bool,
}

impl<'a> Row<'a> {
    fn new(text: &'a str, remark: &'a str) -> Self {
        Self {
            text,
            remark,
            icon: None,
            selected: false,
        }
    }

    fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    fn selected(mut self, selected: bool) -> Self {
        self.selected = selected;
        self
    }

    fn show(self, ui: &mut Ui) -> Response {
        let palette = theme::palette(ui);
        let tall = if self.icon.is_some() {
            height::ROW
        } else {
            height::BUTTON
        };
        let (rect, response) =
            ui.allocate_exact_size(vec2(ui.available_width(), tall), Sense::click());
        response.widget_info(|| {
            if self.icon.is_some() {
                WidgetInfo::labeled(Role::Button, true, self.text)
            } else {
                WidgetInfo::selected(Role::Button, true, self.selected, self.text)
            }
        });
        let painter = ui.painter();
        if self.selected || response.hovered() {
            painter.rect_filled(rect, radius::CONTROL, palette.raised);
        }
        if response.has_focus() {
            let ring = Stroke::new(stroke::FOCUS, palette.text);
            painter.rect_stroke(rect, radius::CONTROL, ring, StrokeKind::Inside);
        }
        let middle = rect.center().y;
        let mut x = rect.left() + 10.0;
        if let Some(icon) = self.icon {
            icon.paint(painter, pos2(x + 7.0, middle), 14.0, palette.text2);
            x += 22.0;
        }
        let remark = paint_text(
            painter,
            pos2(rect.right() - 10.0, middle),
            Align2::RIGHT_CENTER,
            self.remark,
            size::SMALL,
            Weight::Regular,
            palette.text3,
        );
        let (weight, ink) = if self.selected {
            (Weight::Semibold, palette.text)
        } else {
            (Weight::Regular, palette.text2)
        };
        one_line(
            painter,
            pos2(x, middle),
            remark.left() - 8.0 - x,
            self.text,
            weight,
            ink,
        );
        response
    }
}

/// A line of body text that ends with "…" where there is no more room.
fn one_line(painter: &Painter, left: Pos2, width: f32, text: &str, weight: Weight, ink: Color32) {
    let font = theme::font(size::BODY, weight);
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, ink);
    job.wrap = egui::text::TextWrapping::truncate_at_width(width.max(10.0));
    let galley = painter.layout_job(job);
    painter.galley(left - vec2(0.0, galley.size().y / 2.0), galley, ink);
}

fn preset_card(ui: &mut Ui, rect: Rect, preset: &Preset, topology: &Topology) -> Response {
    let palette = theme::palette(ui);
    let response = ui.interact(rect, ui.scope_id().with(preset.name), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, preset.title));
    ui.ctx().accesskit_node_builder(response.id, |node| {
        node.set_description(preset.line);
    });
    if !ui.is_rect_visible(rect) {
        return response;
    }
    let painter = ui.painter();
    painter.rect_filled(rect, radius::CARD, palette.card);
    let picture = rect.with_max_y(rect.top() + PICTURE);
    let top = egui::CornerRadius {
        nw: radius::CARD as u8,
        ne: radius::CARD as u8,
        sw: 0,
        se: 0,
    };
    painter.rect_filled(picture, top, palette.canvas);
    let hair = Stroke::new(stroke::HAIR, palette.hair);
    painter.hline(rect.x_range(), picture.bottom(), hair);
    paint_mini(
        &painter.with_clip_rect(picture.intersect(ui.clip_rect())),
        picture.shrink(4.0),
        topology,
        palette,
    );
    let outline = if response.has_focus() {
        Stroke::new(stroke::SELECTED, palette.text)
    } else if response.hovered() {
        Stroke::new(stroke::FOCUS, palette.edge)
    } else {
        hair
    };
    painter.rect_stroke(rect, radius::CARD, outline, StrokeKind::Inside);
    let left = rect.left() + 12.0;
    one_line(
        painter,
        pos2(left, picture.bottom() + 18.0),
        rect.width() - 24.0,
        preset.title,
        Weight::Semibold,
        palette.text,
    );
    let font = theme::font(size::SMALL, Weight::Regular);
    let mut job = egui::text::LayoutJob::simple(
        preset.line.to_owned(),
        font,
        palette.text2,
        rect.width() - 24.0,
    );
    job.wrap.max_rows = 2;
    for section in &mut job.sections {
        section.format.line_height = Some(16.0);
    }
    let galley = painter.layout_job(job);
    painter.galley(pos2(left, picture.bottom() + 28.0), galley, palette.text2);
    response
}

/// Instances of the service, and the sessions that each keeps, in the topology of the first minute.
fn kept_by_each(topology: &Topology) -> (u32, u32) {
    let mut instances = 1;
    let mut users = 0;
    for node in topology.nodes.values() {
        match node {
            Node::Service(service) => instances = service.instances,
            Node::Clients(clients) => users = clients.users,
            _ => {}
        }
    }
    (instances.max(1), users / instances.max(1))
}

fn first_minute(topology: &Topology) -> String {
    let (instances, each) = kept_by_each(topology);
    let words = ["No", "One", "Two", "Three", "Four", "Five", "Six"];
    let count = words
        .get(instances as usize)
        .map_or_else(|| instances.to_string(), |word| (*word).to_owned());
    let all = grouped(u64::from(instances) * u64::from(each));
    format!(
        "{count} instances keep {all} sessions in memory. Crash one, see who is logged out, then move the sessions and crash it again."
    )
}

/// What the first minute will show, drawn from its topology: one of the instances has crashed.
fn hero_picture(painter: &Painter, rect: Rect, topology: &Topology, palette: &Palette) {
    let painter = &painter.with_clip_rect(rect.shrink(1.0).intersect(painter.clip_rect()));
    let corners = egui::CornerRadius {
        nw: 0,
        sw: 0,
        ne: radius::CARD as u8,
        se: radius::CARD as u8,
    };
    painter.rect_filled(rect, corners, palette.canvas);
    for i in 1..(rect.width() / space::XL) as i32 + 1 {
        for j in 1..(rect.height() / space::XL) as i32 + 1 {
            let at = rect.min + vec2(i as f32, j as f32) * space::XL;
            painter.circle_filled(at, 0.8, palette.hair);
        }
    }
    let (instances, each) = kept_by_each(topology);
    let rows = instances.clamp(2, 5) as usize;
    let dead = 1;
    // Drawn on a plan of 470 by 214 points.
    let shift = ((rect.width() - 470.0) / 2.0).min(0.0);
    let at = |x: f32, y: f32| rect.min + vec2(x + shift, y);
    let row_y = |row: usize| 60.0 + 26.0 * row as f32;

    let flow = Stroke::new(1.4, palette.edge);
    painter.line_segment(
        [at(82.0, 88.0), at(118.0, 88.0)],
        Stroke::new(3.0, palette.edge),
    );
    for x in [90.0, 106.0] {
        painter.circle_filled(at(x, 88.0), 2.2, palette.completed);
    }
    for row in 0..rows {
        let from = at(176.0, 74.0 + 9.0 * row as f32);
        let to = at(236.0, row_y(row));
        let bend = vec2(30.0, 0.0);
        let points = [from, from + bend, to - bend, to];
        let curve = egui::epaint::CubicBezierShape::from_points_stroke(
            points,
            false,
            Color32::TRANSPARENT,
            flow,
        );
        if row == dead {
            let down = Stroke::new(1.4, palette.down);
            painter.extend(egui::Shape::dashed_line(
                &curve.flatten(Some(0.5)),
                down,
                4.0,
                4.0,
            ));
            let x = curve.sample(0.6);
            painter.circle_filled(x, 6.0, palette.canvas);
            Icon::Cross.paint_stroked(painter, x, 12.0, 2.0, palette.failed);
        } else {
            for t in [0.2, 0.45, 0.7] {
                let t = t + 0.06 * row as f32;
                painter.circle_filled(curve.sample(t), 2.2, palette.completed);
            }
            painter.add(curve);
        }
    }
    let card = |rect: Rect, outline: Stroke| {
        painter.extend(theme::surface(rect, palette.card, outline, palette, 1.0));
    };
    let hair = Stroke::new(stroke::HAIR, palette.hair);
    for (x, icon, word) in [
        (22.0, Icon::Clients, "users"),
        (116.0, Icon::LoadBalancer, "sticky"),
    ] {
        let box_rect = Rect::from_min_size(at(x, 62.0), vec2(60.0, 52.0));
        card(box_rect, hair);
        icon.paint(
            painter,
            box_rect.center() - vec2(0.0, 8.0),
            20.0,
            palette.text,
        );
        let under = box_rect.center() + vec2(0.0, 15.0);
        small(painter, under, Align2::CENTER_CENTER, word, palette.text2);
    }

    let height = 36.0 + 26.0 * rows as f32;
    let service = Rect::from_min_size(at(236.0, 18.0), vec2(204.0, height));
    let tag_rect = Rect::from_min_max(
        pos2(service.left(), service.bottom() - 10.0),
        pos2(service.right(), service.bottom() + LOSS_TAG_HEIGHT),
    );
    let losses = [(u64::from(each), "sessions")];
    loss_tag(painter, tag_rect, 1.0, &losses, None, palette);
    card(service, Stroke::new(stroke::SELECTED, palette.text));
    Icon::Service.paint(painter, at(256.0, 34.0), 16.0, palette.text);
    paint_text(
        painter,
        at(270.0, 34.0),
        Align2::LEFT_CENTER,
        "api",
        size::BODY,
        Weight::Semibold,
        palette.text,
    );
    small(
        painter,
        at(428.0, 34.0),
        Align2::RIGHT_CENTER,
        "In memory",
        palette.text2,
    );
    for row in 0..rows {
        let y = row_y(row);
        if row == dead {
            let tint = Rect::from_min_max(at(238.0, y - 13.0), at(438.0, y + 13.0));
            painter.rect_filled(tint, 0.0, palette.lost_tint);
            paint_pip(
                painter,
                at(258.0, y),
                1.0,
                &Pip::of(PipState::Down),
                palette,
            );
            small(
                painter,
                at(280.0, y),
                Align2::LEFT_CENTER,
                "crashed",
                palette.text2,
            );
            paint_text(
                painter,
                at(428.0, y),
                Align2::RIGHT_CENTER,
                &loss_text(u64::from(each)),
                size::BODY,
                Weight::Semibold,
                palette.lost,
            );
        } else {
            let queue = if row == 2 { 0.2 } else { 0.0 };
            let pip = Pip::up(0.4 + 0.05 * row as f32, queue);
            paint_pip(painter, at(258.0, y), 1.0, &pip, palette);
            let bar = Rect::from_min_max(at(280.0, y - 4.0), at(376.0, y + 4.0));
            hatched_bar(painter, bar, 1.0, palette);
            let held = grouped(u64::from(each));
            small(
                painter,
                at(428.0, y),
                Align2::RIGHT_CENTER,
                &held,
                palette.text,
            );
        }
    }
}

fn small(painter: &Painter, at: Pos2, anchor: Align2, text: &str, ink: Color32) {
    paint_text(painter, at, anchor, text, size::SMALL, Weight::Regular, ink);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_minute_speaks_of_its_topology() {
        let preset = presets::find(FIRST).unwrap();
        let topology = file::read(preset.text, preset.name).unwrap();
        let text = first_minute(&topology);
        assert!(
            text.starts_with("Four instances keep 2,048 sessions"),
            "{text}"
        );
    }

    #[test]
    fn presets_are_found_by_any_word() {
        let sticky = presets::find(FIRST).unwrap();
        assert!(matches(sticky, "sticky"));
        assert!(matches(sticky, "memory fast"));
        assert!(matches(sticky, ""));
        assert!(!matches(sticky, "sticky kafka"));
    }

    #[test]
    fn ages_are_short() {
        assert_eq!(age_text(5), "now");
        assert_eq!(age_text(300), "5 min");
        assert_eq!(age_text(7300), "2 h");
        assert_eq!(age_text(3 * 86_400), "3 d");
    }
}
