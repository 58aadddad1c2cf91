//! Where the panes lie, and what is in each.

use egui::{Context, Id, Rect, Role, Stroke, Ui, UiBuilder, WidgetInfo};

use super::Shell;
use crate::app::action::Action;
use crate::app::panes::{topbar, transport};
use crate::app::theme::{self, height};

/// Panes that F6 goes through, by the name under which each is put into the tree.
const PANES: [&str; 5] = ["Top bar", "Canvas", "Transport", "Charts", "Inspector"];

impl Shell {
    pub(super) fn main_ui(&mut self, ui: &mut Ui) -> Vec<Action> {
        let panes = Panes::of(ui.max_rect());
        let view = self.live.view();
        let document = self.live.document();
        let recorded = self.live.has_recording();
        let mut actions = Vec::new();
        let palette = theme::palette(ui);

        actions.extend(pane(ui, panes.canvas, "Canvas", palette.canvas, |ui| {
            let actions = self.canvas.ui(ui, &view);
            self.standing.ui(ui, panes.canvas, &view);
            actions
        }));
        actions.extend(pane(ui, panes.top, "Top bar", palette.panel, |ui| {
            let of = topbar::Of {
                document,
                recent: &self.kept.recent,
                taking: self.kept.taking,
            };
            topbar::ui(ui, &view, &of)
        }));
        actions.extend(pane(
            ui,
            panes.transport,
            "Transport",
            palette.panel,
            |ui| transport::ui(ui, &view, recorded),
        ));
        actions.extend(pane(ui, panes.charts, "Charts", palette.panel, |ui| {
            self.charts.ui(ui, &view)
        }));
        actions.extend(pane(ui, panes.log, "Log", palette.panel, |ui| {
            if panes.wide {
                self.log.ui(ui, &view)
            } else {
                self.log.line_ui(ui, &view)
            }
        }));
        actions.extend(pane(
            ui,
            panes.inspector,
            "Inspector",
            palette.panel,
            |ui| self.inspector.ui(ui, &view),
        ));

        let hair = Stroke::new(theme::stroke::HAIR, palette.hair);
        let painter = ui.painter();
        painter.hline(panes.top.x_range(), panes.top.bottom() - 0.5, hair);
        painter.hline(panes.transport.x_range(), panes.transport.top() - 0.5, hair);
        painter.hline(panes.charts.x_range(), panes.charts.top() - 0.5, hair);
        painter.vline(
            panes.inspector.left() - 0.5,
            panes.inspector.y_range(),
            hair,
        );
        if panes.wide {
            painter.vline(panes.log.left() - 0.5, panes.log.y_range(), hair);
            painter.hline(panes.log.x_range(), panes.log.top() - 0.5, hair);
        } else {
            painter.hline(panes.log.x_range(), panes.log.top() - 0.5, hair);
        }
        actions
    }

    /// F6 moves the keyboard to the next pane.
    pub(super) fn cycle_panes(&mut self, ctx: &Context) {
        let backward = ctx.input(|input| input.modifiers.shift);
        if ctx.input_mut(|input| {
            input.consume_key(egui::Modifiers::SHIFT, egui::Key::F6)
                || input.consume_key(egui::Modifiers::NONE, egui::Key::F6)
        }) {
            let step = if backward { PANES.len() - 1 } else { 1 };
            self.pane = (self.pane + step) % PANES.len();
            ctx.memory_mut(|memory| memory.request_focus(pane_id(PANES[self.pane])));
        }
    }
}

/// Where everything lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Panes {
    /// The bar at the top.
    pub top: Rect,
    /// The topology.
    pub canvas: Rect,
    /// The bar that runs time.
    pub transport: Rect,
    /// The time surface.
    pub charts: Rect,
    /// The log: a pane beside the charts, or one line beneath them.
    pub log: Rect,
    /// What is selected.
    pub inspector: Rect,
    /// Whether the log is a pane.
    pub wide: bool,
}

impl Panes {
    /// The panes of a window of this size.
    pub fn of(window: Rect) -> Self {
        let wide = window.width() > 1500.0;
        let inspector_width = if wide { 340.0 } else { 280.0 };
        let dock_height: f32 = if wide { 275.0 } else { 243.0 };
        // The canvas keeps at least a third of a low window.
        let below = window.height() - height::TOP_BAR;
        let dock_height = dock_height.min((below * 0.6).max(120.0));

        let (top, below) = window.split_top_bottom_at_y(window.top() + height::TOP_BAR);
        let (left, inspector) = below.split_left_right_at_x(below.right() - inspector_width);
        let (canvas, dock) = left.split_top_bottom_at_y(left.bottom() - dock_height);
        let (dock, log_pane) = if wide {
            dock.split_left_right_at_x(dock.right() - 440.0)
        } else {
            (dock, Rect::NOTHING)
        };
        let (transport, charts) = dock.split_top_bottom_at_y(dock.top() + 1.0 + height::TRANSPORT);
        let transport = transport.with_min_y(dock.top() + 1.0);
        let charts = charts.with_min_y(charts.top() + 1.0);
        let (charts, log) = if wide {
            (charts, log_pane.with_min_y(log_pane.top() + 1.0))
        } else {
            charts.split_top_bottom_at_y(charts.bottom() - 28.0)
        };
        Self {
            top,
            canvas,
            transport,
            charts,
            log,
            inspector: inspector.with_min_x(inspector.left() + 1.0),
            wide,
        }
    }
}

fn pane_id(name: &str) -> Id {
    Id::unique(("pane", name))
}

/// A pane: a ground, and a group of that name for assistive technology.
fn pane<T>(
    ui: &mut Ui,
    rect: Rect,
    name: &'static str,
    ground: egui::Color32,
    content: impl FnOnce(&mut Ui) -> T,
) -> T {
    ui.painter().rect_filled(rect, 0.0, ground);
    let id = pane_id(name);
    let group = ui.interact(rect, id, egui::Sense::focusable_noninteractive());
    group.widget_info(|| WidgetInfo::labeled(Role::Pane, true, name));
    let builder = UiBuilder::new()
        .scope_id(id.with("content"))
        .max_rect(rect)
        .accessibility_parent(id);
    let mut inside = ui.new_child(builder);
    inside.set_clip_rect(rect.intersect(ui.clip_rect()));
    let result = content(&mut inside);
    if group.has_focus() {
        let ring = Stroke::new(theme::stroke::FOCUS, theme::palette(ui).text);
        ui.painter()
            .rect_stroke(rect.shrink(1.0), 0.0, ring, egui::StrokeKind::Inside);
    }
    result
}
