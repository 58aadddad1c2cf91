//! Settings as controls, generated from their one description.

use egui::{Rect, Sense, Ui, pos2};

use super::Pane;
use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::theme::{self, Weight, height, size, space};
use crate::app::widgets::{
    Button, Field as TextField, choice, section, setting_row, steppers, switch,
};
use crate::app::words::spoken;
use crate::app::words::spoken::{capitalised, words};
use crate::model::settings::{Field, Shape, Variant, to_ron};
use crate::model::{Command, Topology};

/// Width of a control at the right of a row.
const CONTROL: f32 = 104.0;
/// What belongs to a choice stands this much further in.
const INDENT: f32 = 12.0;
/// Not shown: the identity of random draws, what has a place of its own.
const HIDDEN: [&str; 3] = ["id", "path", "schema"];

/// Shows settings of the group at `base`: those named `first`, then the others when they are asked for.
pub fn show(
    ui: &mut Ui,
    bases: &[String],
    fields: &[Field],
    first: &[&str],
    more: &mut bool,
    pane: &mut Pane,
) {
    let remark = if bases.len() > 1 {
        "a change goes to all"
    } else {
        ""
    };
    section(ui, "Settings", remark);
    let base = &Place::at(bases.to_vec());
    let visible = |field: &&Field| !HIDDEN.contains(&field.name);
    for name in first {
        if let Some(field) = fields.iter().find(|field| field.name == *name) {
            show_field(ui, base, field, pane);
        }
    }
    let rest: Vec<&Field> = fields
        .iter()
        .filter(visible)
        .filter(|field| !first.contains(&field.name))
        .collect();
    if rest.is_empty() {
        return;
    }
    let words = if *more {
        "Fewer".to_owned()
    } else {
        format!("{} more", rest.len())
    };
    let icon = if *more {
        Icon::ChevronDown
    } else {
        Icon::ChevronRight
    };
    ui.add_space(space::XS);
    if ui.add(Button::plain(&words).icon(icon)).clicked() {
        *more = !*more;
    }
    if *more {
        for field in rest {
            show_field(ui, base, field, pane);
        }
    }
}

/// Shows the settings of a group without a header.
fn show_group(ui: &mut Ui, base: &Place, shape: &Shape, pane: &mut Pane) {
    if let Shape::Group(fields) = shape {
        for field in fields {
            show_field(ui, base, field, pane);
        }
    }
}

fn show_field(ui: &mut Ui, base: &Place, field: &Field, pane: &mut Pane) {
    let place = base.field(field.name);
    let name = match field.name {
        "cv" => "Spread (CV)".to_owned(),
        "p99" => "p99".to_owned(),
        name => capitalised(&words(name)),
    };
    // Where state lives, and how sessions are kept, is the toggles' choice: only what belongs to it is set here.
    if matches!(field.name, "state" | "sessions")
        && let Shape::Choice(variants) = &field.shape
    {
        let texts = place.all(pane.view.topology);
        let heads: Vec<String> = texts.iter().map(|text| head(text).to_owned()).collect();
        let chosen = common(&heads);
        let variant = variants
            .iter()
            .find(|v| Some(v.name) == chosen.map(String::as_str));
        if let Some(Shape::Group(fields)) = variant.and_then(|v| v.payload.as_ref()) {
            if field.name == "sessions" {
                show_value(ui, &place, &name, &Shape::Group(fields.clone()), None, pane);
            } else {
                show_group(ui, &place, &Shape::Group(fields.clone()), pane);
            }
        }
        return;
    }
    show_value(ui, &place, &name, &field.shape, Some(field), pane);
}

/// Where a value stands in the topology: a path, or one for each of several nodes, and the alternatives it is wrapped in
/// there: `AppendOnly(Never)`.
#[derive(Clone, Debug)]
struct Place {
    paths: Vec<String>,
    wraps: Vec<&'static str>,
}

impl Place {
    fn at(paths: Vec<String>) -> Self {
        Self {
            paths,
            wraps: Vec::new(),
        }
    }

    /// A field of the group that stands here.
    fn field(&self, name: &str) -> Self {
        let below = |path: &String| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        Self::at(self.paths.iter().map(below).collect())
    }

    /// The values' texts, as in a file, one for each path.
    fn all(&self, topology: &Topology) -> Vec<String> {
        let text = |path: &String| {
            let text = topology.get_path(path).unwrap_or_default();
            self.wraps.iter().fold(text, |text, _| inner(&text))
        };
        self.paths.iter().map(text).collect()
    }

    /// The commands that set them, if the topology takes them.
    fn set(&self, topology: &Topology, text: &str) -> Result<Vec<Command>, String> {
        self.set_each(topology, |_| text.to_owned())
    }

    /// The same, each by its own text from that before.
    fn set_each(
        &self,
        topology: &Topology,
        text: impl Fn(usize) -> String,
    ) -> Result<Vec<Command>, String> {
        let mut changed = topology.clone();
        let set = |(number, path): (usize, &String)| {
            let wraps = self.wraps.iter().rev();
            let wrapped = wraps.fold(text(number), |text, wrap| format!("{wrap}({text})"));
            changed.set_path(path, &wrapped).map_err(|error| {
                let is_name = |name: &str| topology.nodes.contains_key(name);
                capitalised(&spoken::sentence(&error.message, is_name))
            })?;
            // As the file would have it.
            let text = changed.get_path(path).unwrap_or(wrapped);
            Ok(Command::Set(path.clone(), text))
        };
        self.paths.iter().enumerate().map(set).collect()
    }

    /// A value inside the alternative that stands here.
    fn inside(&self, wrap: &'static str) -> Self {
        let mut place = self.clone();
        place.wraps.push(wrap);
        place
    }

    /// What a change of it is called: "api service time 20ms", "3 nodes: workers 16".
    fn label(&self, value: &str) -> String {
        let path = self.paths.first().map_or("", String::as_str);
        let path = path.strip_prefix("nodes.").unwrap_or(path);
        let value = value.trim().trim_matches('"');
        // A quantity stays as it was typed: "1MiB/s".
        let is_quantity = value.starts_with(|c: char| c.is_ascii_digit());
        let value = if is_quantity {
            value.to_owned()
        } else {
            words(value)
        };
        let said = |path: &str| {
            let path = words(&path.replace('.', " "));
            format!("{} {value}", path.trim())
        };
        match self.paths.len() {
            1 => match path.strip_prefix("links.") {
                Some(path) => spoken::link(&said(path)),
                None => said(path),
            },
            count => {
                let path = path.split_once('.').map_or(path, |(_, path)| path);
                format!("{count} nodes: {}", said(path))
            }
        }
    }

    fn change(&self, text: &str, pane: &mut Pane) -> Result<(), String> {
        let commands = self.set(pane.view.topology, text)?;
        let label = self.label(text);
        pane.actions.push(Action::Edit(commands, label));
        Ok(())
    }
}

/// What is shown of several values: the one that all have, or none.
fn common(texts: &[String]) -> Option<&String> {
    let first = texts.first()?;
    texts.iter().all(|text| text == first).then_some(first)
}

/// Values of a field as they are shown: the one that all have, or a list in the order of the nodes.
fn listed(shape: &Shape, texts: &[String]) -> String {
    match common(texts) {
        Some(text) => unquoted(shape, text),
        None => {
            let texts: Vec<String> = texts.iter().map(|text| unquoted(shape, text)).collect();
            in_one_unit(&texts).unwrap_or_else(|| texts.join(", "))
        }
    }
}

/// Values in the same unit, which is written once: "15, 15, 9ms".
fn in_one_unit(texts: &[String]) -> Option<String> {
    let parts = texts.iter().map(|text| {
        let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.'));
        text.split_at(end.unwrap_or(text.len()))
    });
    let (numbers, units): (Vec<&str>, Vec<&str>) = parts.unzip();
    let unit = *units.first()?;
    let alike = units.iter().all(|other| *other == unit) && !numbers.contains(&"");
    alike.then(|| numbers.join(", ") + unit)
}

/// The name of the alternative that a text stands for.
fn head(text: &str) -> &str {
    let text = text.trim();
    text.split(['(', ' ']).next().unwrap_or(text)
}

/// What stands between the outermost brackets.
fn inner(text: &str) -> String {
    let begin = text.find('(').map_or(text.len(), |at| at + 1);
    let end = text.rfind(')').unwrap_or(text.len());
    text.get(begin..end).unwrap_or_default().to_owned()
}

/// The text of a value that may be absent; `None` if it is.
fn present(text: &str) -> Option<String> {
    match text.trim() {
        "None" => None,
        some if some.starts_with("Some(") => Some(inner(some)),
        text => Some(text.to_owned()),
    }
}

fn is_quantity(shape: &Shape) -> bool {
    matches!(
        shape,
        Shape::Duration | Shape::Rate | Shape::Bytes | Shape::Bandwidth | Shape::Share
    )
}

/// Whether it is a list of names, which are typed with commas between them.
fn is_names(shape: &Shape) -> bool {
    matches!(shape, Shape::List(of) if **of == Shape::Text)
}

/// A typed text as in a file: quantities and texts get their quotes.
fn quoted(shape: &Shape, typed: &str) -> String {
    let typed = typed.trim();
    let bare = typed.trim_matches('"');
    match shape {
        shape if is_names(shape) && !typed.starts_with('[') => {
            let names = typed.split(',').map(|name| name.trim().trim_matches('"'));
            let names: Vec<String> = names.filter(|n| !n.is_empty()).map(str::to_owned).collect();
            to_ron(&names)
        }
        Shape::Text => to_ron(&bare.to_owned()),
        shape if is_quantity(shape) => to_ron(&bare.to_owned()),
        _ => typed.to_owned(),
    }
}

/// A value's text as it is shown in a field.
fn unquoted(shape: &Shape, text: &str) -> String {
    if is_names(shape) {
        let names = text.trim().trim_start_matches('[').trim_end_matches(']');
        let names = names.split(',').map(|name| name.trim().trim_matches('"'));
        names
            .filter(|n| !n.is_empty())
            .collect::<Vec<_>>()
            .join(", ")
    } else if is_quantity(shape) || *shape == Shape::Text {
        let bare = text.strip_prefix('"').and_then(|t| t.strip_suffix('"'));
        bare.unwrap_or(text)
            .replace("\\\"", "\"")
            .replace("\\\\", "\\")
    } else {
        text.to_owned()
    }
}

fn show_value(
    ui: &mut Ui,
    place: &Place,
    name: &str,
    shape: &Shape,
    field: Option<&Field>,
    pane: &mut Pane,
) {
    let texts = place.all(pane.view.topology);
    // Rows of the same name in different groups are different controls.
    ui.push_id((&place.paths, place.wraps.len(), name), |ui| match shape {
        Shape::Group(fields) => {
            show_heading(ui, name, field);
            indented(ui, |ui| {
                for field in fields {
                    show_field(ui, place, field, pane);
                }
            });
        }
        Shape::Choice(variants) => show_choice(ui, place, name, variants, field, &texts, pane),
        Shape::Optional(shape) => show_optional(ui, place, name, shape, field, &texts, pane),
        Shape::Flag => {
            row(ui, name, field, |ui| {
                let mut on = texts.iter().all(|text| text.trim() == "true");
                if switch(ui, name, &mut on).changed() {
                    // A flag takes either value.
                    let _ = place.change(if on { "true" } else { "false" }, pane);
                }
            });
        }
        Shape::Integer if matches!(name, "Instances" | "Workers") => {
            let most = field.and_then(|f| f.range?.1.parse().ok());
            let value = |text: &String| text.trim().parse().unwrap_or(1);
            let values: Vec<u32> = texts.iter().map(value).collect();
            row(ui, name, field, |ui| {
                let range = 1..=most.unwrap_or(u32::MAX);
                let Some(values) = steppers(ui, name, &values, range, CONTROL) else {
                    return;
                };
                let text = |number: usize| values.get(number).unwrap_or(&1).to_string();
                if let Ok(commands) = place.set_each(pane.view.topology, text) {
                    let told: Vec<String> = values.iter().map(u32::to_string).collect();
                    let told = common(&told).cloned().unwrap_or_else(|| told.join(", "));
                    pane.actions
                        .push(Action::Edit(commands, place.label(&told)));
                }
            });
        }
        Shape::Text | Shape::Ron | Shape::Map(_) | Shape::List(_) | Shape::Tuple(_) => {
            show_wide(ui, place, name, shape, field, &texts, pane);
        }
        _ => row(ui, name, field, |ui| {
            text_field(ui, place, name, shape, &texts, CONTROL, pane);
        }),
    });
}

/// A field for a value that is typed. Enter applies, Esc reverts, an error says what would be right.
fn text_field(
    ui: &mut Ui,
    place: &Place,
    name: &str,
    shape: &Shape,
    texts: &[String],
    width: f32,
    pane: &mut Pane,
) {
    let topology = pane.view.topology;
    let shown = listed(shape, texts);
    let mixed = common(texts).is_none();
    let field = TextField::new(name, &shown).width(width).quiet(mixed);
    let response = field.show(ui, |typed| {
        let text = quoted(shape, typed);
        place.set(topology, &text).map(|commands| (commands, text))
    });
    if let Some((commands, text)) = response.applied {
        let label = place.label(&unquoted(shape, &text));
        pane.actions.push(Action::Edit(commands, label));
    }
}

/// Texts and lists: the name above, the field over the whole width.
fn show_wide(
    ui: &mut Ui,
    place: &Place,
    name: &str,
    shape: &Shape,
    field: Option<&Field>,
    texts: &[String],
    pane: &mut Pane,
) {
    show_heading(ui, name, field);
    let width = ui.available_width();
    text_field(ui, place, name, shape, texts, width, pane);
    ui.add_space(space::XS);
}

fn show_choice(
    ui: &mut Ui,
    place: &Place,
    name: &str,
    variants: &[Variant],
    field: Option<&Field>,
    texts: &[String],
    pane: &mut Pane,
) {
    let chosen = |text: &String| variants.iter().position(|v| v.name == head(text));
    let all: Vec<Option<usize>> = texts.iter().map(chosen).collect();
    let current = all.first().copied().flatten();
    let current = current.filter(|_| all.iter().all(|one| *one == current));
    let names: Vec<String> = variants
        .iter()
        .map(|v| capitalised(&words(v.name)))
        .collect();
    let options: Vec<&str> = names.iter().map(String::as_str).collect();
    let chosen = row(ui, name, field, |ui| {
        choice(ui, name, current, &options, CONTROL + 16.0)
    });
    if let Some(variant) = chosen.and_then(|at| variants.get(at)) {
        let topology = pane.view.topology;
        let text = |number: usize| {
            let from = all
                .get(number)
                .copied()
                .flatten()
                .and_then(|at| variants.get(at));
            let before = texts.get(number).map_or("", String::as_str);
            instead(variant, from, before, topology)
        };
        if let Ok(commands) = place.set_each(topology, text) {
            let label = place.label(&text(0));
            pane.actions.push(Action::Edit(commands, label));
        }
    }
    if let Some(variant) = current.and_then(|at| variants.get(at)) {
        show_payload(ui, place, variant, pane);
    }
}

/// What belongs to the alternative that is chosen.
fn show_payload(ui: &mut Ui, place: &Place, variant: &Variant, pane: &mut Pane) {
    match &variant.payload {
        None => {}
        Some(Shape::Group(fields)) => indented(ui, |ui| {
            for field in fields {
                show_field(ui, place, field, pane);
            }
        }),
        Some(shape) => {
            let name = match shape {
                Shape::Rate => "Rate".to_owned(),
                Shape::Duration => "Mean".to_owned(),
                _ => capitalised(&words(variant.name)),
            };
            indented(ui, |ui| {
                show_value(ui, &place.inside(variant.name), &name, shape, None, pane);
            });
        }
    }
}

/// An alternative with what can be taken over from the one before: a mean stays a mean, a rate a rate.
fn instead(to: &Variant, from: Option<&Variant>, text: &str, topology: &Topology) -> String {
    let before = from.and_then(|from| from.payload.as_ref());
    let leaf_before = |shape: &Shape| match before {
        Some(before) if before == shape => Some(inner(text)),
        Some(Shape::Group(fields)) => {
            let field = fields.iter().find(|field| field.shape == *shape)?;
            let body = inner(text);
            // Defaults are left out of the text.
            let written = body.split(',').find_map(|part| {
                let (name, value) = part.split_once(':')?;
                (name.trim() == field.name).then(|| value.trim().to_owned())
            });
            Some(written.unwrap_or_else(|| field.default.clone()))
        }
        _ => None,
    };
    match &to.payload {
        None => to.name.to_owned(),
        Some(Shape::Group(fields)) => {
            let kept = before
                .filter(|before| !matches!(before, Shape::Group(_)))
                .and_then(|before| {
                    let field = fields.iter().find(|field| field.shape == *before)?;
                    Some(format!("{}: {}", field.name, inner(text)))
                });
            format!("{}({})", to.name, kept.unwrap_or_default())
        }
        Some(shape) => {
            let kept = leaf_before(shape);
            let value = kept.unwrap_or_else(|| example(shape, topology));
            format!("{}({value})", to.name)
        }
    }
}

/// A value to begin with, where none was there.
fn example(shape: &Shape, topology: &Topology) -> String {
    match shape {
        Shape::Integer => "64".to_owned(),
        Shape::Number => "1".to_owned(),
        Shape::Duration => "\"1s\"".to_owned(),
        Shape::Rate => "\"100/s\"".to_owned(),
        Shape::Bytes => "\"1KiB\"".to_owned(),
        Shape::Bandwidth => "\"1GiB/s\"".to_owned(),
        Shape::Share => "\"99%\"".to_owned(),
        Shape::Flag => "true".to_owned(),
        Shape::Text => {
            // A name that something asks for is most likely that of a store.
            let stores = topology.nodes.iter().filter(|(_, node)| node.is_store());
            let name = stores.map(|(name, _)| name.clone()).next();
            to_ron(&name.unwrap_or_default())
        }
        Shape::Choice(variants) => variants
            .first()
            .map_or_else(String::new, |v| instead(v, None, "", topology)),
        Shape::Optional(_) => "None".to_owned(),
        Shape::Group(_) => "()".to_owned(),
        Shape::Map(_) => "{}".to_owned(),
        Shape::Tuple(_) => "()".to_owned(),
        Shape::Ron | Shape::List(_) => "[]".to_owned(),
    }
}

/// A value that may be absent: a switch, and what it switches.
fn show_optional(
    ui: &mut Ui,
    place: &Place,
    name: &str,
    shape: &Shape,
    field: Option<&Field>,
    texts: &[String],
    pane: &mut Pane,
) {
    let values: Option<Vec<String>> = texts.iter().map(|text| present(text)).collect();
    let small = !matches!(shape, Shape::Group(_) | Shape::Choice(_));
    row(ui, name, field, |ui| {
        let mut on = values.is_some();
        if let (Some(values), true) = (&values, small) {
            text_field(ui, place, name, shape, values, CONTROL, pane);
        }
        let switch_name = format!("{name}: on");
        if switch(ui, &switch_name, &mut on).changed() {
            let text = if on {
                field
                    .and_then(|field| present(&field.default))
                    .unwrap_or_else(|| example(shape, pane.view.topology))
            } else {
                "None".to_owned()
            };
            let _ = place.change(&text, pane);
        }
    });
    if values.is_some()
        && let Shape::Group(fields) = shape
    {
        indented(ui, |ui| {
            for field in fields {
                show_field(ui, place, field, pane);
            }
        });
    }
}

/// A row with its name, and what the setting means on hover.
fn row<R>(ui: &mut Ui, name: &str, field: Option<&Field>, control: impl FnOnce(&mut Ui) -> R) -> R {
    let before = ui.cursor().min;
    let width = ui.available_width();
    let result = setting_row(ui, name, "", control);
    if let Some(field) = field {
        let label = Rect::from_min_max(
            before,
            pos2(
                before.x + (width - CONTROL - 40.0).max(20.0),
                ui.cursor().min.y,
            ),
        );
        explain(ui, label, field);
    }
    result
}

fn show_heading(ui: &mut Ui, name: &str, field: Option<&Field>) {
    let palette = theme::palette(ui);
    let wanted = egui::vec2(ui.available_width(), height::ROW);
    let (rect, _) = ui.allocate_exact_size(wanted, Sense::hover());
    crate::app::widgets::paint_text(
        ui.painter(),
        rect.left_center(),
        egui::Align2::LEFT_CENTER,
        name,
        size::BODY,
        Weight::Regular,
        palette.text2,
    );
    if let Some(field) = field {
        explain(ui, rect, field);
    }
}

/// Meaning, range, default and source of a setting, on hover over its name.
fn explain(ui: &Ui, rect: Rect, field: &Field) {
    let id = ui.scope_id().with(("explain", field.name));
    ui.interact(rect, id, Sense::hover()).on_hover_ui(|ui| {
        ui.set_max_width(280.0);
        let palette = theme::palette(ui);
        ui.spacing_mut().item_spacing.y = space::XS;
        let line = |ui: &mut Ui, text: String, weight, colour| {
            ui.label(theme::text(text, size::SMALL, weight, colour));
        };
        line(ui, field.doc.to_owned(), Weight::Medium, palette.text);
        let default = match field.default.trim_matches('"') {
            "" => String::new(),
            "None" => "Default: none".to_owned(),
            text => format!("Default: {}", text.replace('"', "")),
        };
        let range = field.range.map(|(low, high)| format!("{low} to {high}"));
        let facts: Vec<String> = range
            .into_iter()
            .chain((!default.is_empty()).then_some(default))
            .collect();
        if !facts.is_empty() {
            line(ui, facts.join(". "), Weight::Regular, palette.text2);
        }
        let source = match field.source {
            "ours" => return,
            "gk" => "general knowledge, an order of magnitude".to_owned(),
            source => source.replacen("gk", "general knowledge", 1),
        };
        line(
            ui,
            format!("Source: {source}"),
            Weight::Regular,
            palette.text3,
        );
    });
}

fn indented(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let rect = ui.available_rect_before_wrap();
    let inner = rect.with_min_x(rect.left() + INDENT);
    let shown = ui.scope_builder(egui::UiBuilder::new().max_rect(inner), |ui| {
        ui.spacing_mut().item_spacing.y = 0.0;
        add(ui);
    });
    let used = shown.response.rect;
    if used.height() > 1.0 {
        let hair = egui::Stroke::new(theme::stroke::HAIR, theme::palette(ui).hair);
        ui.painter().vline(
            rect.left() + 2.0,
            used.shrink2(egui::vec2(0.0, 4.0)).y_range(),
            hair,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::Sample;
    use crate::model::Node;
    use crate::model::settings::Setting;

    #[test]
    fn a_unit_that_all_have_is_written_once() {
        let texts = |texts: &[&str]| {
            texts
                .iter()
                .map(|&text| text.to_owned())
                .collect::<Vec<_>>()
        };
        let shown = |some: &[&str]| in_one_unit(&texts(some));
        assert_eq!(
            shown(&["15ms", "15ms", "9ms"]).as_deref(),
            Some("15, 15, 9ms")
        );
        assert_eq!(shown(&["4", "6"]).as_deref(), Some("4, 6"));
        for mixed in [["15ms", "1s"], ["none", "none2"], ["Fixed", "2"]] {
            assert_eq!(shown(&mixed), None);
        }
    }

    #[test]
    fn texts_are_taken_apart_and_put_together() {
        assert_eq!(head("LogNormal(mean:\"5ms\")"), "LogNormal");
        assert_eq!(head("RoundRobin"), "RoundRobin");
        assert_eq!(inner("AppendOnly(EverySecond)"), "EverySecond");
        assert_eq!(present("None"), None);
        assert_eq!(present("Some(\"1s\")").as_deref(), Some("\"1s\""));
        assert_eq!(quoted(&Shape::Duration, "5ms"), "\"5ms\"");
        assert_eq!(quoted(&Shape::Integer, " 5 "), "5");
        assert_eq!(unquoted(&Shape::Text, "\"a \\\"b\\\"\""), "a \"b\"");
    }

    /// Whatever a menu or a switch offers must be something the topology takes.
    #[test]
    fn every_alternative_of_every_setting_can_be_chosen() {
        let mut topology = Sample::new().topology;
        topology.nodes.insert(
            "store".into(),
            Node::RedisLike(crate::model::node::RedisLike::default()),
        );
        let Shape::Choice(kinds) = Node::shape() else {
            panic!("nodes are a choice");
        };
        let mut tried = 0;
        for (name, node) in &topology.nodes {
            let kind = kinds.iter().find(|kind| kind.name == node.name()).unwrap();
            let Some(Shape::Group(fields)) = &kind.payload else {
                panic!("a kind has settings");
            };
            for field in fields {
                let place = Place::at(vec![format!("nodes.{name}.{}", field.name)]);
                tried += try_all(&topology, &place, &field.shape);
            }
        }
        assert!(tried > 60, "{tried}");
    }

    fn try_all(topology: &Topology, place: &Place, shape: &Shape) -> usize {
        match shape {
            Shape::Choice(variants) => {
                let text = place.all(topology).remove(0);
                let from = variants.iter().find(|v| v.name == head(&text));
                let mut tried = 0;
                for variant in variants {
                    let text = instead(variant, from, &text, topology);
                    let commands = place.set(topology, &text).unwrap();
                    let mut changed = topology.clone();
                    changed.apply(&commands[0]).unwrap();
                    tried += 1 + match &variant.payload {
                        Some(Shape::Group(fields)) => try_fields(&changed, place, fields),
                        Some(inner) => try_all(&changed, &place.inside(variant.name), inner),
                        None => 0,
                    };
                }
                tried
            }
            Shape::Optional(shape) => {
                place.set(topology, "None").unwrap();
                let commands = place.set(topology, &example(shape, topology)).unwrap();
                let mut changed = topology.clone();
                changed.apply(&commands[0]).unwrap();
                2 + match &**shape {
                    Shape::Group(fields) => try_fields(&changed, place, fields),
                    _ => 0,
                }
            }
            Shape::Group(fields) => try_fields(topology, place, fields),
            _ => {
                // What is shown can be applied again as it is.
                let text = unquoted(shape, &place.all(topology)[0]);
                place.set(topology, &quoted(shape, &text)).unwrap();
                1
            }
        }
    }

    fn try_fields(topology: &Topology, place: &Place, fields: &[Field]) -> usize {
        let inside = |field: &Field| place.field(field.name);
        fields
            .iter()
            .map(|field| try_all(topology, &inside(field), &field.shape))
            .sum()
    }

    #[test]
    fn a_wrong_text_says_what_would_be_right() {
        let topology = Sample::new().topology;
        let place = Place::at(vec!["nodes.api.boot_time".into()]);
        let error = place.set(&topology, "\"5 sec\"").unwrap_err();
        assert!(error.contains("not a unit of a time"), "{error}");
        let error = place.set(&topology, "\"5d\"").unwrap_err();
        assert!(error.contains("out of range"), "{error}");
        assert_eq!(place.label("\"2s\""), "api boot time 2s");
        assert_eq!(place.label("\"1MiB/s\""), "api boot time 1MiB/s");
        assert_eq!(place.label("RoundRobin"), "api boot time Round robin");
        let link = Place::at(vec!["links.lb->api.latency".into()]);
        assert_eq!(link.label("\"2ms\""), "lb → api latency 2ms");
    }

    #[test]
    fn several_values_are_a_list_and_set_together() {
        let mut topology = Sample::new().topology;
        topology
            .set_path("nodes.second", "Service(workers: 3)")
            .unwrap();
        let place = Place::at(vec![
            "nodes.api.workers".into(),
            "nodes.second.workers".into(),
        ]);
        let texts = place.all(&topology);
        assert_eq!(common(&texts), None);
        assert!(listed(&Shape::Integer, &texts).ends_with(", 3"));
        for command in place.set(&topology, "16").unwrap() {
            topology.apply(&command).unwrap();
        }
        let texts = place.all(&topology);
        assert_eq!(listed(&Shape::Integer, &texts), "16");
        assert_eq!(place.label("16"), "2 nodes: workers 16");
        assert!(place.set(&topology, "0").is_err());
    }
}
