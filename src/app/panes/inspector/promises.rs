//! What is promised, each with its verdict on the run so far, and what the file expects of its results.

use egui::{Align2, Popup, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::Pane;
use crate::analysis::expect;
use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::panes::promising::{by_menu, promise, words};
use crate::app::panes::verdicts::{self, Kind, Standing, Told};
use crate::app::theme::{self, Palette, Weight, height, radius, size, space, stroke};
use crate::app::widgets::{self, Button, Field, menu_item, paint_text, setting_field};
use crate::app::words::format;
use crate::model::expect::Expectation;
use crate::model::figures::Ends;
use crate::model::settings::to_ron;
use crate::model::{Command, Topology};

/// Height of a row with a promise.
const ROW: f32 = 42.0;

/// Which rows are open for editing.
#[derive(Debug, Default)]
pub struct Open {
    promise: Option<Kind>,
    expected: Option<usize>,
    /// What was just opened takes the keyboard.
    fresh: bool,
}

/// Shows the promises: a row each, what else can be promised, and the target of the one that is open.
pub(super) fn show(ui: &mut Ui, open: &mut Open, pane: &mut Pane) {
    let view = pane.view;
    let told = verdicts::told(view);
    let now = format!("so far, {}", format::instant(view.snapshot.now));
    widgets::section(ui, "Promises", if told.is_empty() { "" } else { &now });
    if told.is_empty() {
        hint(
            ui,
            "Nothing is promised. A promise gets a verdict while the system runs.",
        );
    }
    for promise in &told {
        let response = row(ui, promise, open.promise == Some(promise.kind));
        if response.clicked() {
            open.promise = (open.promise != Some(promise.kind)).then_some(promise.kind);
            open.fresh = open.promise.is_some();
        }
        let mut remove = false;
        response.context_menu(|ui| {
            if menu_item(ui, Some(Icon::Minus), "Take the promise back", "").clicked() {
                ui.close();
                remove = true;
            }
        });
        if open.promise == Some(promise.kind) {
            remove |= edit(ui, promise.kind, &mut open.fresh, pane);
        }
        if remove {
            take_back(promise.kind, pane);
            open.promise = None;
        }
    }
    let rest: Vec<Kind> = (Kind::ALL.into_iter())
        .filter(|kind| told.iter().all(|told| told.kind != *kind))
        .collect();
    if rest.is_empty() {
        return;
    }
    ui.add_space(space::XS);
    ui.horizontal(|ui| {
        let add = ui.add(Button::secondary("Promise").icon(Icon::Plus));
        ui.add_space(space::S);
        let names: Vec<&str> = rest.iter().map(|kind| kind.in_sentence()).collect();
        let palette = theme::palette(ui);
        let names = theme::text(
            names.join(", "),
            size::SMALL,
            Weight::Regular,
            palette.text3,
        );
        ui.add(egui::Label::new(names).truncate());
        Popup::menu(&add)
            .gap(4.0)
            .accessible_name("What to promise")
            .show(|ui| {
                for kind in rest {
                    let target = kind.suggested(view);
                    if menu_item(ui, None, &words(kind, &target), "").clicked() {
                        ui.close();
                        pane.actions.extend(promise(kind, &target));
                        open.promise = Some(kind);
                        open.fresh = true;
                    }
                }
            });
    });
}

fn take_back(kind: Kind, pane: &mut Pane) {
    let label = format!("Promise of {} taken back", kind.in_sentence());
    pane.actions
        .push(Action::Edit(vec![kind.taken_back()], label));
}

/// The menu of a figure of a node: what could be expected of it in the results, from what it is now.
pub(super) fn menu_of_node(response: &Response, figure: &NodeFigure, pane: &mut Pane) {
    let expected = format!(
        "nodes.{}.{} {} {}",
        figure.node,
        figure.path,
        figure.comparison,
        figure.bound()
    );
    let known = pane.view.topology.expects.contains(&expected);
    let can = parsed(pane.view.topology, &expected).is_ok();
    by_menu(response, |ui| {
        widgets::menu_header(ui, &format!("{} of {}", figure.title, figure.node), "");
        let word = if figure.comparison == "<=" {
            "at most"
        } else {
            "at least"
        };
        let text = format!("Promise this: {word} {}", (figure.tell)(figure.bound()));
        let item = ui.add_enabled_ui(can && !known, |ui| {
            menu_item(ui, Some(Icon::Check), &text, "")
        });
        if item.inner.clicked() {
            ui.close();
            let more = [pane.view.topology.expects.as_slice(), &[expected]].concat();
            let label = format!("Expected: {} of {} {word}", figure.title, figure.node);
            pane.actions.push(set(&more, &label));
        }
    });
}

/// A figure of a node that can be expected of the results.
pub(super) struct NodeFigure<'a> {
    /// For people.
    pub title: &'static str,
    /// The node.
    pub node: &'a str,
    /// Where the results have it, behind the node.
    pub path: &'static str,
    /// `<=` or `>=`.
    pub comparison: &'static str,
    /// What it is now.
    pub now: f64,
    /// How it is written.
    pub tell: fn(f64) -> String,
}

impl NodeFigure<'_> {
    /// What holds now, and a little besides.
    fn bound(&self) -> f64 {
        let bound = match self.comparison {
            ">=" => verdicts::below(self.now),
            _ => verdicts::above(self.now),
        };
        // Worker time has an end.
        if self.path == "utilisation" {
            bound.min(1.0)
        } else {
            bound
        }
    }
}

/// The mark of a verdict and its colour.
pub fn mark(standing: Standing, is_loss: bool, palette: &Palette) -> (Icon, egui::Color32) {
    match (standing, is_loss) {
        (Standing::Kept, _) => (Icon::Check, palette.text2),
        (Standing::Broken, true) => (Icon::Cross, palette.lost),
        (Standing::Broken, false) => (Icon::Cross, palette.failed),
        (Standing::Unknown, _) => (Icon::Minus, palette.text3),
    }
}

/// A promise over the whole width of the pane: mark, name over target, value over margin.
fn row(ui: &mut Ui, told: &Told, open: bool) -> Response {
    let palette = theme::palette(ui);
    let wanted = vec2(ui.available_width(), ROW);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::click());
    let sentence = told.sentence();
    response.widget_info(|| WidgetInfo::selected(Role::Button, ui.is_enabled(), open, &sentence));
    let whole = rect.expand2(vec2(space::M, 0.0));
    let painter = ui.painter();
    let broken = told.standing == Standing::Broken;
    if broken && told.kind.is_loss() {
        painter.rect_filled(whole, 0.0, palette.lost_tint);
    }
    if response.hovered() {
        painter.rect_filled(whole, 0.0, palette.text.gamma_multiply(0.05));
    }
    if response.has_focus() {
        let ring = Stroke::new(stroke::SELECTED, palette.text);
        painter.rect_stroke(whole, radius::TAG, ring, StrokeKind::Inside);
    }
    let (icon, colour) = mark(told.standing, told.kind.is_loss(), palette);
    icon.paint_stroked(
        painter,
        pos2(rect.left() + 8.0, rect.center().y),
        14.0,
        1.6,
        colour,
    );
    let (first, second) = (rect.top() + 13.0, rect.top() + 29.0);
    let left = rect.left() + 24.0;
    let put = |x: f32, y: f32, anchor, text: &str, size, weight, colour| {
        paint_text(painter, pos2(x, y), anchor, text, size, weight, colour);
    };
    let (l, r) = (Align2::LEFT_CENTER, Align2::RIGHT_CENTER);
    put(
        left,
        first,
        l,
        told.kind.title(),
        size::BODY,
        Weight::Medium,
        palette.text,
    );
    put(
        left,
        second,
        l,
        &told.target,
        size::SMALL,
        Weight::Regular,
        palette.text2,
    );
    let ink = if broken { colour } else { palette.text };
    put(
        rect.right(),
        first,
        r,
        &told.value,
        size::BODY,
        Weight::Semibold,
        ink,
    );
    put(
        rect.right(),
        second,
        r,
        &told.remark,
        size::SMALL,
        Weight::Regular,
        palette.text2,
    );
    response
}

/// The field of a promise's target; true if the promise is to go.
fn edit(ui: &mut Ui, kind: Kind, fresh: &mut bool, pane: &mut Pane) -> bool {
    let value = kind
        .target(&pane.view.topology.objectives)
        .unwrap_or_default();
    let name = format!("{} {}", kind.title(), kind.asks().to_lowercase());
    let mut remove = false;
    ui.push_id(("promise", kind.name()), |ui| {
        let field = setting_field(ui, &name, "", &value, |text| kind.promised(text));
        if std::mem::take(fresh) {
            field.response.request_focus();
        }
        if let Some(command) = field.applied {
            let label = format!("Promise of {} changed", kind.in_sentence());
            pane.actions.push(Action::Edit(vec![command], label));
        }
        // Of the button's height: a layout alone would take all that is left.
        let row = egui::vec2(ui.available_width(), height::HIT);
        let from_right = egui::Layout::right_to_left(egui::Align::Center);
        ui.allocate_ui_with_layout(row, from_right, |ui| {
            let name = format!("Take back the promise of {}", kind.in_sentence());
            let button = Button::plain("Take it back")
                .height(height::HIT)
                .tooltip(&name);
            remove = ui.add(button).clicked();
        });
    });
    remove
}

fn hint(ui: &mut Ui, text: &str) {
    let palette = theme::palette(ui);
    let text = theme::text(text, size::SMALL, Weight::Regular, palette.text2);
    ui.add(egui::Label::new(text).wrap());
}

/// Shows what the file expects of its results: each with its value so far, and the text of the one that is open.
pub(super) fn expected(ui: &mut Ui, open: &mut Open, pane: &mut Pane) {
    let view = pane.view;
    let expects = &view.topology.expects;
    let count = format::counted(expects.len() as u64, "check", "checks");
    let remark = if expects.is_empty() { "" } else { &count };
    widgets::section(ui, "Expected of the results", remark);
    let over = view.snapshot.now >= view.topology.duration;
    for (place, text) in expects.iter().enumerate() {
        let told = told_of(view, text, over);
        let opened = open.expected == Some(place);
        if expected_row(ui, text, &told, opened).clicked() {
            open.expected = (!opened).then_some(place);
            open.fresh = !opened;
        }
        if open.expected != Some(place) {
            continue;
        }
        ui.push_id(("expected", place), |ui| {
            let parse = |text: &str| parsed(view.topology, text);
            let width = ui.available_width() - height::HIT - space::XS;
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = space::XS;
                let name = format!("Check {}", place + 1);
                let field = Field::new(&name, text).width(width).show(ui, parse);
                if std::mem::take(&mut open.fresh) {
                    field.response.request_focus();
                }
                if let Some(text) = field.applied {
                    let mut changed = expects.clone();
                    changed[place] = text;
                    pane.actions.push(set(&changed, "Check changed"));
                }
                let remove = format!("Take out: {text}");
                let remove = Button::icon_only(Icon::Cross, &remove).height(height::HIT);
                if ui.add(remove).clicked() {
                    let mut rest = expects.clone();
                    rest.remove(place);
                    open.expected = None;
                    pane.actions.push(set(&rest, "Check taken out"));
                }
            });
        });
    }
    ui.add_space(space::XS);
    let add = Button::secondary("Check").icon(Icon::Plus).tooltip(
        "What the results of a run must be, such as writes.lost == 0; `statescope check --run` tries it",
    );
    if ui.add(add).clicked() {
        let more = [expects.as_slice(), &["writes.lost == 0".to_owned()]].concat();
        open.expected = Some(expects.len());
        open.fresh = true;
        pane.actions.push(set(&more, "Check added"));
    }
}

fn set(expects: &[String], label: &str) -> Action {
    let command = Command::Set("expects".to_owned(), to_ron(&expects.to_vec()));
    Action::Edit(vec![command], label.to_owned())
}

/// A check as it is written to the file, or what is wrong with it.
fn parsed(topology: &Topology, text: &str) -> Result<String, String> {
    let expectation: Expectation = text.parse()?;
    let results = Ends::of(topology);
    let metric = &expectation.metric;
    for figure in std::iter::once(&metric.path).chain(&metric.over) {
        if let Some(message) = results.problem(figure) {
            return Err(message);
        }
    }
    Ok(expectation.to_string())
}

/// How a check stands, and its figure so far.
fn told_of(view: &crate::app::run::state::View, text: &str, over: bool) -> (Standing, String) {
    let unknown = (Standing::Unknown, format::UNKNOWN.to_owned());
    let (Ok(expectation), Some(results)) = (text.parse::<Expectation>(), view.results) else {
        return unknown;
    };
    let value = match expect::measure(results, &expectation.metric) {
        Ok(Some(value)) => format::number(value),
        _ => format::UNKNOWN.to_owned(),
    };
    let standing = match expect::check(results, &expectation) {
        Ok(()) => Standing::Kept,
        // It is about the whole run: until then it may come true.
        Err(_) if !over => Standing::Unknown,
        Err(_) => Standing::Broken,
    };
    (standing, value)
}

fn expected_row(
    ui: &mut Ui,
    text: &str,
    (standing, value): &(Standing, String),
    open: bool,
) -> Response {
    let palette = theme::palette(ui);
    let wanted = vec2(ui.available_width(), height::ROW);
    let (rect, response) = ui.allocate_exact_size(wanted, Sense::click());
    let said = match standing {
        Standing::Kept => "holds so far",
        Standing::Broken => "does not hold",
        Standing::Unknown => "does not hold yet",
    };
    response.widget_info(|| {
        let text = format!("Expected {text}: {said}, {value}");
        WidgetInfo::selected(Role::Button, ui.is_enabled(), open, text)
    });
    let painter = ui.painter();
    let whole = rect.expand2(vec2(space::M, 0.0));
    if response.hovered() {
        painter.rect_filled(whole, 0.0, palette.text.gamma_multiply(0.05));
    }
    if response.has_focus() {
        let ring = Stroke::new(stroke::SELECTED, palette.text);
        painter.rect_stroke(whole, radius::TAG, ring, StrokeKind::Inside);
    }
    let (icon, colour) = mark(*standing, false, palette);
    icon.paint_stroked(
        painter,
        pos2(rect.left() + 8.0, rect.center().y),
        14.0,
        1.6,
        colour,
    );
    let value = paint_text(
        painter,
        rect.right_center(),
        Align2::RIGHT_CENTER,
        value,
        size::BODY,
        Weight::Semibold,
        palette.text,
    );
    let left = rect.left() + 24.0;
    let font = theme::font(size::BODY, Weight::Regular);
    let mut job = egui::text::LayoutJob::simple_singleline(text.to_owned(), font, palette.text);
    job.wrap = egui::text::TextWrapping::truncate_at_width(value.left() - left - space::S);
    let galley = painter.layout_job(job);
    let at = pos2(left, rect.center().y - galley.size().y / 2.0);
    painter.galley(at, galley, palette.text);
    response.on_hover_text(text)
}
