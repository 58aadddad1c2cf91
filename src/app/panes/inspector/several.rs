//! Several nodes are selected: which, what they do now, and the settings that they have in common.

use egui::text::{LayoutJob, TextWrapping};
use egui::{Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::{Inspector, Pane, first_settings, now, section, settings, shape_of};
use crate::app::action::{Action, Selection};
use crate::app::icons::Icon;
use crate::app::theme::{self, Weight, radius, size, stroke};
use crate::app::widgets::tooltip;
use crate::model::node::Service;
use crate::model::settings::{Field, Shape, with_profile};
use crate::model::{Node, Topology};

impl Inspector {
    pub(super) fn several_ui(&mut self, ui: &mut Ui, names: &[String], pane: &mut Pane) {
        section(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
                ui.spacing_mut().interact_size.y = TAG;
                for name in names {
                    if name_tag(ui, name).clicked() {
                        let others = names.iter().filter(|other| *other != name);
                        let selection = Selection::of(others.cloned().collect());
                        pane.actions.push(Action::Select(selection));
                    }
                }
            });
        });
        let topology = pane.view.topology;
        let nodes = names.iter().filter_map(|name| topology.nodes.get(name));
        let services: Vec<&Service> = nodes
            .clone()
            .filter_map(|node| match node {
                Node::Service(service) => Some(service),
                _ => None,
            })
            .collect();
        if services.len() == names.len() {
            section(ui, |ui| self.placements_ui(ui, &services, pane));
        }
        section(ui, |ui| now::show_several(ui, names, pane));
        let first = nodes.clone().next().map_or(&[][..], first_settings);
        let fields = shared(topology, nodes);
        let bases: Vec<String> = names.iter().map(|name| format!("nodes.{name}")).collect();
        if fields.is_empty() {
            return;
        }
        section(ui, |ui| {
            settings::show(ui, &bases, &fields, first, &mut self.more, pane);
        });
    }
}

/// Height of a name with its cross.
const TAG: f32 = 22.0;

/// A name with a cross that takes it out.
fn name_tag(ui: &mut Ui, name: &str) -> Response {
    let palette = theme::palette(ui);
    let font = theme::font(size::SMALL, Weight::Medium);
    let mut job = LayoutJob::simple_singleline(name.to_owned(), font, palette.text);
    // A tag of its own line at most; the whole name is in its tip.
    job.wrap = TextWrapping::truncate_at_width((ui.max_rect().width() - 30.0).max(30.0));
    let galley = ui.painter().layout_job(job);
    let width = galley.size().x + 30.0;
    let (rect, response) = ui.allocate_exact_size(vec2(width, TAG), Sense::click());
    let label = || format!("Let go of {name}");
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, label()));
    let strong = response.hovered() || response.has_focus();
    let outline = if strong { palette.text } else { palette.edge };
    let painter = ui.painter();
    painter.rect_stroke(
        rect,
        radius::TAG,
        Stroke::new(stroke::HAIR, outline),
        StrokeKind::Inside,
    );
    let at = pos2(rect.left() + 8.0, rect.center().y - galley.size().y / 2.0);
    painter.galley(at, galley, palette.text);
    let ink = if strong { palette.text } else { palette.text2 };
    Icon::Cross.paint(
        painter,
        pos2(rect.right() - 12.0, rect.center().y),
        12.0,
        ink,
    );
    tooltip(&response, &label(), &[]);
    response
}

/// The settings that all of these nodes have, in the order of the first.
fn shared<'a>(topology: &Topology, nodes: impl Iterator<Item = &'a Node>) -> Vec<Field> {
    let mut kinds: Vec<&Node> = Vec::new();
    for node in nodes {
        let is_known = |known: &&Node| known.name() == node.name();
        if !kinds.iter().any(is_known) {
            kinds.push(node);
        }
    }
    let fields = |node: &&Node| {
        with_profile(topology.profile, || match shape_of(node) {
            Shape::Group(fields) => fields,
            _ => Vec::new(),
        })
    };
    let mut kinds = kinds.iter().map(fields);
    let mut common = kinds.next().unwrap_or_default();
    for other in kinds {
        common.retain(|field| {
            let same = |other: &Field| other.name == field.name && other.shape == field.shape;
            other.iter().any(same)
        });
    }
    common
}
