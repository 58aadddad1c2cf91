//! What is selected: its toggles, figures and settings; with nothing selected, the topology itself.

mod choices;
mod instance;
mod links;
mod now;
mod overview;
pub mod promises;
mod settings;
mod several;
mod wrong;

use std::sync::Arc;

use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align2, Popup, PopupCloseBehavior, RectAlign, ScrollArea, Sense, Stroke, Ui, UiBuilder, pos2,
    vec2,
};

use crate::app::action::{Action, Selection};
use crate::app::icons::Icon;
use crate::app::panes::charts::NodeChart;
use crate::app::panes::naming::{Named, Naming};
use crate::app::run::meant::{remove, unlink};
use crate::app::run::state::View;
use crate::app::theme::{self, Palette, Weight, height, size, space, stroke};
use crate::app::widgets::{Button, paint_text, tooltip};
use crate::app::words::{format, nodes, spoken, troubles};
use crate::model::node::LinkSettings;
use crate::model::settings::{Field, Profile, Setting, Shape, with_profile};
use crate::model::{Command, Link, Node};
use crate::sim::snapshot::NodeKind;

/// The inspector: what is being read.
#[derive(Debug, Default)]
pub struct Inspector {
    offers: choices::Offers,
    charts: [NodeChart; 2],
    /// Whether the settings that matter less are shown.
    more: bool,
    /// A choice that could not be, with what can be instead.
    offered: Option<choices::Offered>,
    /// Whether a chart here had the pointer at the last frame.
    pointed: bool,
    recent: Recent,
    described: Described,
    /// The name that is being typed in the title.
    naming: Option<Naming>,
    promises: promises::Open,
}

/// Response times of the last moments, made a few times a second.
#[derive(Clone, Copy, Debug, Default)]
struct Recent {
    at: Option<f64>,
    percentiles: Option<[f64; 3]>,
}

impl Recent {
    fn update(&mut self, ui: &Ui, view: &View) {
        let now = ui.input(|input| input.time);
        if self.at.is_none_or(|at| !(0.0..0.2).contains(&(now - at))) {
            self.at = Some(now);
            self.percentiles = view.recent().and_then(|interval| interval.percentiles);
        }
    }
}

/// The description of what is shown, made once for it.
#[derive(Clone, Debug, Default)]
struct Described {
    of: Option<(Profile, &'static str)>,
    fields: Arc<[Field]>,
}

impl Described {
    fn get(
        &mut self,
        profile: Profile,
        of: &'static str,
        shape: impl FnOnce() -> Shape,
    ) -> Arc<[Field]> {
        if self.of != Some((profile, of)) {
            self.of = Some((profile, of));
            self.fields = match with_profile(profile, shape) {
                Shape::Group(fields) => fields.into(),
                _ => Arc::default(),
            };
        }
        Arc::clone(&self.fields)
    }
}

/// What a panel's parts add to: the view and the answers.
struct Pane<'a> {
    view: &'a View<'a>,
    /// Response times of the last moments: 50th, 95th, 99th percentile in seconds.
    percentiles: Option<[f64; 3]>,
    actions: Vec<Action>,
}

impl Inspector {
    /// Shows it in all the room there is; returns what was asked for.
    pub fn ui(&mut self, ui: &mut Ui, view: &View) -> Vec<Action> {
        self.recent.update(ui, view);
        let mut pane = Pane {
            view,
            percentiles: self.recent.percentiles,
            actions: Vec::new(),
        };
        let node = view
            .selection
            .and_then(Selection::node)
            .and_then(|name| Some((name, view.topology.nodes.get(name)?)));
        let link = match view.selection {
            Some(Selection::Link(key)) => key.split_once("->"),
            _ => None,
        };
        let names = view.selection.map(Selection::names).unwrap_or_default();
        let is_service =
            |name: &String| matches!(view.topology.nodes.get(name), Some(Node::Service(_)));
        let services = if names.iter().all(is_service) {
            names
        } else {
            &[]
        };
        self.offers.update(view, services);

        let whole = ui.available_rect_before_wrap();
        let head = whole.with_max_y(whole.top() + height::TOP_BAR);
        ui.allocate_rect(head, Sense::hover());
        let several = match view.selection {
            Some(Selection::Nodes(names)) => Some(&names[..]),
            _ => None,
        };
        let title = match (node, link) {
            _ if several.is_some() => Title::of_several(several.unwrap_or_default(), view),
            (Some((name, node)), _) => Title::of_node(name, node, view),
            (None, Some((from, to))) => Title::of_link(from, to, view),
            (None, None) => Title::of_topology(view),
        };
        title.show(ui, head, &mut pane, &mut self.naming);

        let body = whole.with_min_y(head.bottom());
        ui.scope_builder(UiBuilder::new().max_rect(body), |ui| {
            // Each thing has its own place in its settings.
            let id = format!("inspector {}", title.id);
            ScrollArea::vertical()
                .id_salt(&id)
                .auto_shrink([false, false])
                .show(ui, |ui| {
                    ui.push_id(id, |ui| match (node, link) {
                        _ if several.is_some() => {
                            self.several_ui(ui, several.unwrap_or_default(), &mut pane);
                        }
                        (Some((name, node)), _) => self.node_ui(ui, name, node, &mut pane),
                        (None, Some((from, to))) => self.link_ui(ui, from, to, &mut pane),
                        (None, None) => self.overview_ui(ui, &mut pane),
                    });
                    ui.add_space(space::L);
                });
        });
        pane.actions
    }

    fn node_ui(&mut self, ui: &mut Ui, name: &str, node: &Node, pane: &mut Pane) {
        if let Some(Selection::Instance(_, number)) = pane.view.selection {
            section(ui, |ui| instance::show(ui, name, *number, pane));
        }
        if let Node::Service(service) = node {
            section(ui, |ui| self.placement_ui(ui, name, service, pane));
            let first = crate::model::check::first_services(pane.view.topology);
            if first.contains(&name) {
                section(ui, |ui| self.sessions_ui(ui, pane));
            }
        }
        section(ui, |ui| {
            now::show_first(ui, name, node, pane);
            if !matches!(node, Node::Clients(_) | Node::LoadBalancer(_)) {
                self.node_charts(ui, name, pane);
            }
            now::show_rest(ui, name, node, pane);
        });
        let base = format!("nodes.{name}");
        let profile = pane.view.topology.profile;
        let fields = self.described.get(profile, node.name(), || shape_of(node));
        let first = first_settings(node);
        section(ui, |ui| {
            settings::show(ui, &[base], &fields, first, &mut self.more, pane);
        });
        if links::has_any(name, pane) {
            section(ui, |ui| links::of_node(ui, name, pane));
        }
    }

    /// The charts of a node with instances, as rows among its figures.
    fn node_charts(&mut self, ui: &mut Ui, name: &str, pane: &mut Pane) {
        let reading = pane.view.readings.node(name).cloned().unwrap_or_default();
        let mut pointed = false;
        for (chart, figure) in self.charts.iter_mut().zip(now::CHARTS) {
            let now = (figure.reading)(&reading);
            let (response, cursor) = chart.ui(ui, pane.view, name, figure.chart, now);
            let expected = now::expected(name, figure.chart.title, figure.path, "<=", now);
            promises::menu_of_node(&response, &expected, pane);
            if let Some(cursor) = cursor {
                pointed = true;
                if pane.view.cursor != Some(cursor) {
                    pane.actions.push(Action::SetCursor(Some(cursor)));
                }
            }
        }
        if self.pointed && !pointed && pane.view.cursor.is_some() {
            pane.actions.push(Action::SetCursor(None));
        }
        self.pointed = pointed;
    }

    fn link_ui(&mut self, ui: &mut Ui, from: &str, to: &str, pane: &mut Pane) {
        let written = pane.view.topology.links.find(&format!("{from}->{to}"));
        if written.is_some() {
            section(ui, |ui| links::ends(ui, from, to, pane));
        }
        let wrong = troubles::of_link(pane.view.snapshot, from, to);
        section(ui, |ui| links::faults(ui, (from, to), &wrong, pane));
        section(ui, |ui| now::show_link(ui, from, to, pane));
        section(ui, |ui| {
            let key = format!("{from}->{to}");
            if written.is_some() {
                let profile = pane.view.topology.profile;
                let fields = self.described.get(profile, "Link", LinkSettings::shape);
                let base = format!("links.{key}");
                let first = ["latency", "bandwidth"];
                settings::show(ui, &[base], &fields, &first, &mut self.more, pane);
                return;
            }
            let palette = theme::palette(ui);
            crate::app::widgets::section(ui, "Settings", "");
            let text = format!(
                "A setting of {from} implies this link. Written out, it has a latency and a bandwidth of its own."
            );
            ui.label(theme::text(
                text,
                size::SMALL,
                Weight::Regular,
                palette.text2,
            ));
            ui.add_space(space::S);
            if ui.add(Button::secondary("Write it out")).clicked() {
                let commands = vec![Command::Link(Link::new(from, to).settings.path)];
                let label = format!("Linked {}", spoken::link(&key));
                pane.actions.push(Action::Edit(commands, label));
            }
        });
    }
}

/// A part of the pane, with its padding and the line under it.
fn section(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let palette = theme::palette(ui);
    let frame = egui::Frame::new().inner_margin(egui::Margin {
        left: space::M as i8,
        right: space::M as i8,
        top: space::S as i8,
        bottom: 10,
    });
    let shown = frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        ui.spacing_mut().item_spacing.y = 0.0;
        add(ui);
    });
    let rect = shown.response.rect;
    let hair = Stroke::new(stroke::HAIR, palette.hair);
    ui.painter()
        .hline(rect.x_range(), rect.bottom() - 0.5, hair);
}

/// "198 of 1,000 up".
fn up_of(up: usize, all: usize, what: &str) -> String {
    let (up, all) = (format::grouped(up as u64), format::grouped(all as u64));
    format!("{up} of {all} {what}")
}

/// The header of the pane.
struct Title {
    /// Tells the state of one thing's settings from that of another.
    id: String,
    icon: Icon,
    name: String,
    kind: String,
    status: String,
    /// The edit that takes it away.
    remove: Option<Action>,
    /// Whether it is a node, which has a name.
    is_node: bool,
}

impl Title {
    fn of_node(name: &str, node: &Node, view: &View) -> Self {
        let kind = nodes::kind(node);
        let status = match view.node(name) {
            Some(shown) if kind == NodeKind::LoadBalancer => {
                let up = shown.targets.iter().filter(|(_, _, up)| *up).count();
                up_of(up, shown.targets.len(), "targets")
            }
            Some(shown) if !shown.instances.is_empty() => {
                let up = shown.instances.iter().filter(|i| i.status.serves()).count();
                up_of(up, shown.instances.len(), "up")
            }
            _ => String::new(),
        };
        Self {
            id: name.to_owned(),
            icon: nodes::kind_icon(kind),
            name: name.to_owned(),
            kind: nodes::kind_name(kind).to_lowercase(),
            status,
            remove: Some(remove(&[name.to_owned()])),
            is_node: true,
        }
    }

    fn of_several(names: &[String], view: &View) -> Self {
        let nodes = names
            .iter()
            .filter_map(|name| view.topology.nodes.get(name));
        let kinds: Vec<NodeKind> = nodes.map(nodes::kind).collect();
        let what = match kinds.first() {
            Some(first) if kinds.iter().all(|kind| kind == first) => nodes::kinds_name(*first),
            _ => "nodes",
        };
        let running = names.iter().filter_map(|name| view.node(name));
        let (mut up, mut all) = (0, 0);
        for node in running {
            all += node.instances.len();
            up += node.instances.iter().filter(|i| i.status.serves()).count();
        }
        Self {
            id: "several".to_owned(),
            icon: Icon::Several,
            name: format!("{} {what}", names.len()),
            kind: String::new(),
            status: if all > 0 {
                up_of(up, all, "up")
            } else {
                String::new()
            },
            remove: None,
            is_node: false,
        }
    }

    fn of_link(from: &str, to: &str, view: &View) -> Self {
        let key = format!("{from}->{to}");
        let written = view.topology.links.find(&key).is_some();
        Self {
            // The same for every link, so that the keyboard stays where it is when one is reconnected.
            id: "link".to_owned(),
            icon: Icon::Link,
            name: format!("{from} → {to}"),
            kind: "link".to_owned(),
            status: String::new(),
            remove: written.then(|| unlink(&key)),
            is_node: false,
        }
    }

    fn of_topology(view: &View) -> Self {
        let nodes = view.topology.nodes.len() as u64;
        Self {
            id: "topology".to_owned(),
            icon: Icon::File,
            name: "Topology".to_owned(),
            kind: format::counted(nodes, "node", "nodes"),
            status: String::new(),
            remove: None,
            is_node: false,
        }
    }

    /// Shows it; a double click on a node's name lets it be typed.
    fn show(&self, ui: &mut Ui, head: egui::Rect, pane: &mut Pane, naming: &mut Option<Naming>) {
        let palette = theme::palette(ui);
        let painter = ui.painter();
        let hair = Stroke::new(stroke::HAIR, palette.hair);
        painter.hline(head.x_range(), head.bottom() - 0.5, hair);
        let middle = head.center().y;
        let icon_at = pos2(head.left() + space::M + 9.0, middle);
        self.icon.paint(painter, icon_at, 18.0, palette.text);
        let right = head.right() - if self.remove.is_some() { 40.0 } else { 12.0 };
        let status = self.part(ui, pos2(right, middle), Align2::RIGHT_CENTER, palette);
        let clip = painter.with_clip_rect(head.with_max_x(status - space::S));
        let left = head.left() + 38.0;
        let font = theme::font(size::FIGURE, Weight::Semibold);
        let mut job = LayoutJob::simple_singleline(self.name.clone(), font, palette.text);
        job.wrap = TextWrapping::truncate_at_width((status - space::S - left).max(0.0));
        let name = painter.layout_job(job);
        let at = pos2(left, middle - name.size().y / 2.0);
        clip.galley(at, name.clone(), palette.text);
        paint_text(
            &clip,
            pos2(left + name.size().x + space::S, middle + 1.0),
            Align2::LEFT_CENTER,
            &self.kind,
            size::SMALL,
            Weight::Regular,
            palette.text3,
        );
        let heading = ui.interact(
            head.with_max_x(right),
            ui.scope_id().with("title"),
            Sense::CLICK,
        );
        if name.elided {
            tooltip(&heading, &self.name, &[]);
        }
        let is_node = self.is_node;
        if is_node && heading.double_clicked() {
            *naming = Some(Naming::new(&self.name));
        }
        if let Some(typed) = naming {
            let field = egui::Rect::from_center_size(
                pos2(head.left() + 32.0 + 72.0, middle),
                vec2(144.0, 26.0),
            );
            let shown = is_node && typed.name() == self.name;
            if !shown
                || typed.show(ui, field, 1.0, pane.view.topology, &mut pane.actions) != Named::Not
            {
                *naming = None;
            }
        }
        heading.widget_info(|| {
            let text = format!("{}, {} {}", self.name, self.kind, self.status);
            egui::WidgetInfo::labeled(egui::Role::Heading, true, text.trim())
        });
        let Some(remove) = &self.remove else {
            return;
        };
        let place = egui::Rect::from_center_size(
            pos2(head.right() - 22.0, middle),
            vec2(height::BUTTON, height::BUTTON),
        );
        let more = ui.put(place, Button::icon_only(Icon::More, "More"));
        Popup::menu(&more)
            .align(RectAlign::BOTTOM_END)
            .close_behavior(PopupCloseBehavior::CloseOnClick)
            .accessible_name("More")
            .show(|ui| {
                let words = if is_node {
                    format!("Delete {}", self.name)
                } else {
                    "Remove the link".to_owned()
                };
                if is_node && ui.add(Button::plain("Rename").icon(Icon::Rename)).clicked() {
                    *naming = Some(Naming::new(&self.name));
                }
                if ui.add(Button::plain(&words).icon(Icon::Cross)).clicked() {
                    pane.actions.push(remove.clone());
                    pane.actions.push(Action::Select(None));
                }
            });
    }

    /// The status at the right; returns where it begins.
    fn part(&self, ui: &Ui, at: egui::Pos2, anchor: Align2, palette: &Palette) -> f32 {
        paint_text(
            ui.painter(),
            at,
            anchor,
            &self.status,
            size::SMALL,
            Weight::Regular,
            palette.text2,
        )
        .left()
    }
}

/// The settings of a node that matter most.
fn first_settings(node: &Node) -> &'static [&'static str] {
    match node {
        Node::Clients(_) => &["arrivals", "mix", "timeout", "retries"],
        Node::LoadBalancer(_) => &["policy", "health_checks", "retries"],
        Node::Service(_) => &["instances", "workers", "service_time", "state", "queue"],
        Node::RedisLike(_) => &["persistence", "replication", "command_time"],
        Node::SqlDatabase(_) => &["fsync", "replication", "connections"],
        Node::ObjectStore(_) => &["get_time", "put_time"],
    }
}

/// What a node of this kind has to set.
fn shape_of(node: &Node) -> Shape {
    let Shape::Choice(kinds) = Node::shape() else {
        return Shape::Ron;
    };
    let kind = kinds.into_iter().find(|kind| kind.name == node.name());
    kind.and_then(|kind| kind.payload).unwrap_or(Shape::Ron)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::{Sample, picture};
    use egui_kittest::Harness;
    use egui_kittest::kittest::Queryable as _;

    #[test]
    fn pictures() {
        for dark in [true, false] {
            let draw = |name: &str, size, selection| {
                let mut sample = Sample::new();
                sample.selection = selection;
                let mut inspector = Inspector::default();
                picture(name, size, dark, |ui| {
                    inspector.ui(ui, &sample.view());
                });
            };
            let node = |name: &str| Some(Selection::Node(name.into()));
            draw("inspector-api", vec2(280.0, 756.0), node("api"));
            draw("inspector-api-tall", vec2(340.0, 1400.0), node("api"));
            draw("inspector-clients", vec2(280.0, 900.0), node("clients"));
            draw("inspector-lb", vec2(280.0, 700.0), node("lb"));
            draw("inspector-sql", vec2(280.0, 756.0), node("products"));
            draw("inspector-none", vec2(280.0, 1200.0), None);
            let instance = Selection::Instance("api".into(), 2);
            draw("inspector-instance", vec2(280.0, 756.0), Some(instance));
            let link = Selection::Link("lb->api".into());
            draw("inspector-link", vec2(280.0, 400.0), Some(link));
        }
    }

    struct State {
        sample: Sample,
        inspector: Inspector,
        actions: Vec<Action>,
    }

    fn harness<'a>(selection: Option<Selection>) -> Harness<'a, State> {
        let mut sample = Sample::new();
        sample.selection = selection;
        let state = State {
            inspector: Inspector::default(),
            sample,
            actions: Vec::new(),
        };
        Harness::builder()
            .with_size(vec2(280.0, 1600.0))
            .with_context_setup(|ctx| theme::install(ctx, theme::Settings::default()))
            .build_ui_state(
                |ui, state: &mut State| {
                    let actions = state.inspector.ui(ui, &state.sample.view());
                    let lasting = |action: &Action| !matches!(action, Action::Preview(_));
                    state.actions.extend(actions.into_iter().filter(lasting));
                },
                state,
            )
    }

    fn field<'a>(harness: &'a Harness<'_, State>, name: &'a str) -> egui_kittest::Node<'a> {
        harness.get_by_role_and_label(egui::accesskit::Role::TextInput, name)
    }

    fn api() -> Option<Selection> {
        Some(Selection::Node("api".into()))
    }

    /// The one edit that was asked for, carried out.
    fn edited(harness: &Harness<'_, State>) -> (crate::model::Topology, String) {
        let [Action::Edit(commands, label)] = harness.state().actions.as_slice() else {
            panic!("no single edit: {:?}", harness.state().actions);
        };
        let mut topology = harness.state().sample.topology.clone();
        for command in commands {
            topology.apply(command).unwrap();
        }
        (topology, label.clone())
    }

    #[test]
    fn a_toggle_is_one_click_and_leads_to_a_running_topology() {
        let mut harness = harness(api());
        harness.run();
        harness.get_by_label("Server").click();
        harness.run();
        let (topology, label) = edited(&harness);
        assert!(
            label.starts_with("Sessions kept in") || label.starts_with("Added"),
            "{label}"
        );
        assert_eq!(crate::model::check::errors(&topology), []);
        harness.state_mut().actions.clear();
        harness.get_by_label("External").click();
        harness.run();
        let (topology, _) = edited(&harness);
        assert_eq!(crate::model::check::errors(&topology), []);
    }

    #[test]
    fn what_is_pointed_at_is_previewed() {
        let state = State {
            sample: Sample::new(),
            inspector: Inspector::default(),
            actions: Vec::new(),
        };
        let mut harness = Harness::builder()
            .with_size(vec2(280.0, 900.0))
            .with_context_setup(|ctx| theme::install(ctx, theme::Settings::default()))
            .build_ui_state(
                |ui, state: &mut State| {
                    state.actions = state.inspector.ui(ui, &state.sample.view());
                },
                state,
            );
        harness.run();
        harness.get_by_label("Server").hover();
        harness.run();
        let previewed = harness
            .state()
            .actions
            .iter()
            .any(|action| matches!(action, Action::Preview(_)));
        assert!(previewed);
        harness.get_by_label_contains("A lookup a request");
    }

    #[test]
    fn settings_are_typed_with_their_unit() {
        let mut harness = harness(api());
        harness.run();
        field(&harness, "Snapshot every").click();
        harness.run();
        harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
        field(&harness, "Snapshot every").type_text("250ms");
        harness.key_press(egui::Key::Enter);
        harness.run();
        let (topology, label) = edited(&harness);
        let text = topology.get_path("nodes.api.state.snapshot_every").unwrap();
        assert!(text.contains("\"250ms\""), "{text}");
        assert_eq!(label, "api state snapshot every 250ms");
    }

    #[test]
    fn a_wrong_value_says_what_would_be_right_and_changes_nothing() {
        let mut harness = harness(api());
        harness.run();
        field(&harness, "Snapshot every").click();
        harness.run();
        field(&harness, "Snapshot every").type_text("5 sec");
        harness.key_press(egui::Key::Enter);
        harness.run();
        harness.get_by_label_contains("unit");
        assert_eq!(harness.state().actions, []);
        harness.key_press(egui::Key::Escape);
        harness.run();
        assert!(harness.query_by_label_contains("not a unit").is_none());
    }

    #[test]
    fn steppers_switches_and_choices_change_the_document() {
        let mut harness = harness(api());
        harness.run();
        harness.get_by_label("Instances: one more").click();
        harness.run();
        let (topology, _) = edited(&harness);
        assert_eq!(topology.get_path("nodes.api.instances").unwrap(), "5");
        harness.state_mut().actions.clear();
        harness.get_by_label("Queue: Limit").click();
        harness.run();
        harness.get_by_label("Unlimited").click();
        harness.run();
        let (topology, _) = edited(&harness);
        assert_eq!(topology.get_path("nodes.api.queue").unwrap(), "Unlimited");
        harness.state_mut().actions.clear();
        harness.get_by_label("Snapshot every: on").click();
        harness.run();
        let (topology, _) = edited(&harness);
        let text = topology.get_path("nodes.api.state.snapshot_every").unwrap();
        assert_eq!(text, "None");
    }

    #[test]
    fn the_rest_of_the_settings_is_one_click_away() {
        let mut harness = harness(Some(Selection::Node("products".into())));
        harness.run();
        assert!(harness.query_all_by_label("Commit time").next().is_none());
        harness.get_by_label_contains("more").click();
        harness.run();
        field(&harness, "Commit time");
    }

    #[test]
    fn an_instance_can_be_crashed_here_too() {
        let mut harness = harness(Some(Selection::Instance("api".into(), 1)));
        harness.run();
        harness.get_by_label("Crash").click();
        harness.run();
        let crash = Command::Crash("api".into(), 1);
        assert_eq!(harness.state().actions, [Action::Run(crash)]);
    }

    #[test]
    fn the_overview_takes_events_out_of_the_scenario() {
        let mut harness = harness(None);
        harness.run();
        harness
            .get_by_label("Take out: crash api 2 at 60.0 s")
            .click();
        harness.run();
        let (topology, _) = edited(&harness);
        assert_eq!(topology.scenario.len(), 2);
    }
}
