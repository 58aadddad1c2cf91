//! What floats over the canvas: the tool bar at the left and the zoom bar at the bottom right.

use egui::{
    Align2, Key, Pos2, Rect, Response, Role, Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use super::transform::{Transform, ZOOM_RANGE};
use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::theme::{self, Weight, height, radius, size, stroke};
use crate::app::widgets::{Button, empty_state, paint_text};
use crate::app::words::nodes;
use crate::model::naming::free_name;
use crate::model::node::{LoadBalancer, ObjectStore, RedisLike, Service, SqlDatabase};
use crate::model::workload::Clients;
use crate::model::{Node, Topology};
use crate::sim::snapshot::NodeKind;

/// What a click or drag on the canvas does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tool {
    /// Selects and moves.
    #[default]
    Select,
    /// Moves the view.
    Pan,
    /// Adds a node where it is clicked.
    Add(NodeKind),
}

/// The kinds that can be added, in the order of their keys 1 to 6.
pub const KINDS: [NodeKind; 6] = [
    NodeKind::Clients,
    NodeKind::LoadBalancer,
    NodeKind::Service,
    NodeKind::RedisLike,
    NodeKind::SqlDatabase,
    NodeKind::ObjectStore,
];

/// Between the tool bar and the edges of the canvas.
const OFF: f32 = 12.0;
/// Around the tools, and the line between those that do and those that add.
const PAD: f32 = 4.0;
const LINE: f32 = 9.0;

/// Where the tool bar is, and how many columns it has: as few as the canvas is high enough for. None on a canvas that has
/// no room even for a single row.
fn tool_places(area: Rect) -> Option<(usize, Rect)> {
    let count = 2 + KINDS.len();
    let size = |columns: usize| {
        let rows = count.div_ceil(columns) as f32;
        let line = if columns == 1 { LINE } else { 0.0 };
        let across = columns as f32 * height::TOOL;
        vec2(across, rows * height::TOOL + line) + vec2(2.0, 2.0) * PAD
    };
    let fits = |columns: &usize| {
        let size = size(*columns);
        area.height() >= size.y + 2.0 * OFF && area.width() >= size.x + 280.0
    };
    let columns = (1..=count).find(fits)?;
    let size = size(columns);
    let corner = pos2(area.left() + OFF, area.center().y - size.y / 2.0);
    Some((columns, Rect::from_min_size(corner.round(), size)))
}

/// Where what is beside the tool bar begins.
pub fn beside_tools(area: Rect) -> f32 {
    let bar = tool_places(area).map_or(area.left(), |(_, bar)| bar.right());
    bar + OFF + 4.0
}

/// The tool that a key pressed now chooses. The digits add a node at once, which is the window's business.
pub fn by_key(ui: &Ui) -> Option<Tool> {
    if ui.ctx().text_edit_focused() {
        return None;
    }
    ui.input(|input| {
        let pressed = |key| input.modifiers.is_none() && input.key_pressed(key);
        if pressed(Key::V) || pressed(Key::Escape) {
            return Some(Tool::Select);
        }
        pressed(Key::H).then_some(Tool::Pan)
    })
}

/// The tool bar; returns where it is, and the tool that was chosen.
pub fn tool_bar(ui: &Ui, area: Rect, tool: Tool) -> Option<(Rect, Option<Tool>)> {
    let (columns, bar) = tool_places(area)?;
    let palette = theme::palette(ui);
    let mut entries: Vec<(Tool, Icon, String, String)> = vec![
        (Tool::Select, Icon::Select, "Select".into(), "V".into()),
        (Tool::Pan, Icon::Pan, "Move the view".into(), "H".into()),
    ];
    entries.extend(KINDS.iter().enumerate().map(|(index, &kind)| {
        let name = format!("Add {}", nodes::kind_name(kind).to_lowercase());
        let key = (index + 1).to_string();
        (Tool::Add(kind), nodes::kind_icon(kind), name, key)
    }));
    float(ui, bar, "tool bar");
    let mut chosen = None;
    if columns == 1 {
        let hair = Stroke::new(stroke::HAIR, palette.hair);
        let y = bar.top() + PAD + 2.0 * height::TOOL + LINE / 2.0;
        ui.painter().hline(bar.x_range().shrink(9.0), y, hair);
    }
    for (index, (entry_tool, icon, name, key)) in entries.iter().enumerate() {
        let (column, row) = (index % columns, index / columns);
        let line = if columns == 1 && index >= 2 {
            LINE
        } else {
            0.0
        };
        let corner =
            bar.min + vec2(PAD, PAD + 1.0 + line) + vec2(column as f32, row as f32) * height::TOOL;
        let rect = Rect::from_min_size(corner, vec2(height::TOOL, height::TOOL - 2.0));
        let response = ui.interact(rect, ui.scope_id().with(("tool", key)), Sense::click());
        let on = tool == *entry_tool;
        response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, name));
        let painter = ui.painter();
        if on || response.hovered() {
            painter.rect_filled(rect, radius::CONTROL, palette.raised);
        }
        if response.has_focus() {
            painter.rect_stroke(
                rect,
                radius::CONTROL,
                Stroke::new(stroke::FOCUS, palette.text),
                egui::StrokeKind::Inside,
            );
        }
        let ink = if on { palette.text } else { palette.text2 };
        icon.paint(painter, corner + vec2(14.0, 14.0), 18.0, ink);
        paint_text(
            painter,
            rect.right_top() + vec2(0.0, height::TOOL - 2.0),
            Align2::RIGHT_BOTTOM,
            key,
            size::SMALL,
            Weight::Regular,
            palette.text3,
        );
        if response.on_hover_text(format!("{name} ({key})")).clicked() {
            chosen = Some(*entry_tool);
        }
    }
    Some((bar, chosen))
}

/// The zoom bar; zooms the view around the middle of the canvas. Returns where it is.
pub fn zoom_bar(
    ui: &mut Ui,
    area: Rect,
    transform: &mut Transform,
    actions: &mut Vec<Action>,
) -> Option<Rect> {
    if area.width() < 200.0 || area.height() < 80.0 {
        return None;
    }
    let palette = theme::palette(ui);
    let bar = Rect::from_min_size(
        pos2(area.right() - 164.0, area.bottom() - 44.0),
        vec2(152.0, 32.0),
    );
    float(ui, bar, "zoom bar");
    let place = |left: f32, width: f32| {
        Rect::from_min_size(pos2(bar.left() + left, bar.top() + 4.0), vec2(width, 24.0))
    };
    let step = 1.25_f32;
    if put(ui, place(6.0, 24.0), Icon::Minus, "Zoom out").clicked() {
        transform.zoom_around(area.center(), transform.zoom / step);
    }
    let percentage = format!("{:.0} %", transform.zoom * 100.0);
    let middle = place(30.0, 44.0);
    let response = ui.interact(middle, ui.scope_id().with("zoom"), Sense::click());
    response.widget_info(|| {
        WidgetInfo::labeled(
            Role::Button,
            true,
            format!("Zoom to 100 %, now {percentage}"),
        )
    });
    let ink = if response.hovered() || response.has_focus() {
        palette.text
    } else {
        palette.text2
    };
    paint_text(
        ui.painter(),
        middle.center(),
        Align2::CENTER_CENTER,
        &percentage,
        size::SMALL,
        Weight::Regular,
        ink,
    );
    if response.on_hover_text("Zoom to 100 %").clicked() {
        transform.zoom_around(area.center(), 1.0);
    }
    if put(ui, place(74.0, 24.0), Icon::Plus, "Zoom in").clicked() {
        transform.zoom_around(area.center(), transform.zoom * step);
    }
    let hair = Stroke::new(stroke::HAIR, palette.hair);
    ui.painter()
        .vline(bar.left() + 104.0, bar.y_range().shrink(6.0), hair);
    let fit = put(ui, place(110.0, 24.0), Icon::Fit, "Fit all");
    paint_text(
        ui.painter(),
        pos2(bar.right() - 9.0, bar.center().y),
        Align2::RIGHT_CENTER,
        "F",
        size::SMALL,
        Weight::Regular,
        palette.text3,
    );
    if fit.clicked() {
        actions.push(Action::Fit);
    }
    debug_assert!(ZOOM_RANGE.contains(&transform.zoom));
    Some(bar)
}

fn put(ui: &mut Ui, rect: Rect, icon: Icon, name: &str) -> Response {
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        ui.add(Button::icon_only(icon, name).height(24.0))
    })
    .inner
}

/// The surface of a floating bar; what is behind it cannot be clicked through it.
pub fn float(ui: &Ui, bar: Rect, name: &str) {
    let palette = theme::palette(ui);
    ui.interact(bar, ui.scope_id().with(name), Sense::CLICK | Sense::DRAG);
    let outline = Stroke::new(stroke::HAIR, palette.hair);
    ui.painter()
        .extend(theme::surface(bar, palette.panel, outline, palette, 1.0));
}

/// What an empty canvas says.
pub fn nothing_here(ui: &Ui, area: Rect) {
    empty_state(
        ui.painter(),
        Rect::from_center_size(area.center(), vec2(290.0, 104.0)),
        Icon::Service,
        "Nothing here yet",
        "Double-click or press 3 to add; Ctrl+V pastes",
        theme::palette(ui),
    );
}

/// A new node of a kind with its defaults, and a name for it that is free.
pub fn new_node(kind: NodeKind, topology: &Topology) -> (String, Node) {
    let (stem, node) = match kind {
        NodeKind::Clients => ("clients", Node::Clients(Clients::default())),
        NodeKind::LoadBalancer => ("lb", Node::LoadBalancer(LoadBalancer::default())),
        NodeKind::Service => ("service", Node::Service(Service::default())),
        NodeKind::RedisLike => ("store", Node::RedisLike(RedisLike::default())),
        NodeKind::SqlDatabase => ("database", Node::SqlDatabase(SqlDatabase::default())),
        NodeKind::ObjectStore => ("objects", Node::ObjectStore(ObjectStore::default())),
    };
    let name = free_name(topology, stem);
    (name, node)
}

/// Where a card that is added at a point begins, so that the pointer is on its header.
pub fn corner_for(world: Pos2) -> Pos2 {
    pos2((world.x - 64.0).round(), (world.y - 17.0).round())
}
