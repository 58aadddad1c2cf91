//! Several nodes are selected: which, and the settings that they have in common.

use egui::{Ui, vec2};

use super::settings;
use super::{Inspector, Pane, first_settings, section, shape_of};
use crate::app::action::{Action, Selection};
use crate::app::icons::Icon;
use crate::app::widgets::Button;
use crate::model::settings::{Field, Shape, with_profile};
use crate::model::{Node, Topology};

impl Inspector {
    pub(super) fn several_ui(&mut self, ui: &mut Ui, names: &[String], pane: &mut Pane) {
        section(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
                for name in names {
                    let tag = ui.add(Button::secondary(name).icon(Icon::Cross).height(22.0));
                    ui.ctx().accesskit_node_builder(tag.id, |node| {
                        node.set_label(format!("Let go of {name}"));
                    });
                    if tag.clicked() {
                        let others = names.iter().filter(|other| *other != name);
                        let selection = Selection::of(others.cloned().collect());
                        pane.actions.push(Action::Select(selection));
                    }
                }
            });
        });
        let topology = pane.view.topology;
        let nodes = names.iter().filter_map(|name| topology.nodes.get(name));
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
