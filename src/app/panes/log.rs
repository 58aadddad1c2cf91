//! What happened and what it cost.

use egui::{
    Align, Align2, Layout, Popup, PopupCloseBehavior, Rect, RectAlign, Response, Role, ScrollArea,
    Sense, Stroke, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

use crate::app::action::Action;
use crate::app::icons::Icon;
use crate::app::run::notices::Notice;
use crate::app::run::state::View;
use crate::app::theme::{self, Weight, height, size, space, stroke};
use crate::app::widgets::{Button, LogRow, paint_text};
use crate::app::words::events::{self, Event};
use crate::app::words::format;
use crate::sim::snapshot::{Happening, What};

/// What happenings have cost is told afresh this often, in seconds of the reader's time.
const REFRESH_S: f64 = 0.2;
/// Size of the pane where it opens from the line.
const POPUP: egui::Vec2 = vec2(440.0, 300.0);

/// The event log: what it has made of the happenings so far, and where it is read.
#[derive(Debug, Default)]
pub struct Log {
    told: Option<(f64, (u64, u64))>,
    /// Newest first.
    rows: Vec<Row>,
    /// The latest on one line.
    line: Option<Row>,
    /// The newest row there was when somebody scrolled away from the top: what came since waits.
    held: Option<u64>,
}

#[derive(Clone, Debug)]
struct Row {
    id: u64,
    time: String,
    event: Event,
    /// As it was shown last, at which width.
    height: Option<(f32, f32)>,
}

impl Row {
    fn of(happening: &Happening, view: &View) -> Self {
        Self::new(happening.id, events::happened(happening, view.snapshot))
    }

    fn told(notice: &Notice) -> Self {
        Self::new(notice.after, notice.event())
    }

    fn new(id: u64, event: Event) -> Self {
        Self {
            id,
            time: format::instant(event.at),
            event,
            height: None,
        }
    }

    fn text(&self) -> String {
        format!("{}  {}", self.time, self.event.sentence())
    }

    fn show(&self, ui: &mut Ui, tall: bool) -> Response {
        LogRow {
            icon: self.event.icon,
            time: &self.time,
            title: &self.event.title,
            detail: &self.event.detail,
            lost: self.event.lost && tall,
            scheduled: false,
            tall,
        }
        .show(ui)
    }
}

impl Log {
    /// Shows it in all the room there is; returns what was asked for.
    pub fn ui(&mut self, ui: &mut Ui, view: &View) -> Vec<Action> {
        self.tell(ui, view);
        let mut actions = Vec::new();
        let palette = theme::palette(ui);
        let whole = ui.available_rect_before_wrap();
        let head = whole.with_max_y(whole.top() + height::TRANSPORT);
        ui.allocate_rect(head, Sense::hover());
        self.header(ui, head, view);
        let hair = Stroke::new(stroke::HAIR, palette.hair);
        ui.painter()
            .hline(head.x_range(), head.bottom() - 0.5, hair);
        let body = whole.with_min_y(head.bottom());
        ui.scope_builder(UiBuilder::new().max_rect(body), |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            self.body(ui, view, &mut actions);
        });
        actions
    }

    /// The latest happening on one line of 28 points, for windows without room for the pane.
    pub fn line_ui(&mut self, ui: &mut Ui, view: &View) -> Vec<Action> {
        self.tell(ui, view);
        let mut actions = Vec::new();
        let palette = theme::palette(ui);
        let wanted = vec2(ui.available_width(), height::BUTTON);
        let (whole, _) = ui.allocate_exact_size(wanted, Sense::hover());
        let words = format!("Log {}", format::grouped(count(view)));
        let right = Layout::right_to_left(Align::Center);
        let place = whole.with_max_x(whole.right() - space::XS);
        let opener = ui.scope_builder(UiBuilder::new().max_rect(place).layout(right), |ui| {
            let button = Button::plain(&words)
                .menu()
                .height(height::HIT)
                .tooltip("Everything that happened in this run");
            ui.add(button)
        });
        let opener = opener.inner;
        let room = whole.with_max_x(opener.rect.left() - space::S);
        ui.scope_builder(UiBuilder::new().max_rect(room), |ui| match &self.line {
            Some(row) => {
                let response = row.show(ui, false);
                if response.clicked() {
                    actions.push(read_at(row, view));
                }
                copy_menu(&response, row);
            }
            None => {
                paint_text(
                    ui.painter(),
                    room.left_center() + vec2(space::M, 0.0),
                    Align2::LEFT_CENTER,
                    NOTHING,
                    size::SMALL,
                    Weight::Regular,
                    palette.text3,
                );
            }
        });
        let popup = Popup::from_toggle_button_response(&opener)
            .align(RectAlign::TOP_END)
            .width(POPUP.x)
            .close_behavior(PopupCloseBehavior::CloseOnClickOutside)
            .accessible_name("Log");
        popup.show(|ui| {
            ui.set_width(POPUP.x);
            // As high as what it holds, about 50 points a row.
            let rows = 50.0 * self.rows.len() as f32;
            ui.set_height((height::TRANSPORT + rows).clamp(120.0, POPUP.y));
            actions.extend(self.ui(ui, view));
        });
        actions
    }

    fn header(&mut self, ui: &mut Ui, head: Rect, view: &View) {
        let palette = theme::palette(ui);
        let painter = ui.painter();
        let title = paint_text(
            painter,
            pos2(head.left() + space::M, head.center().y),
            Align2::LEFT_CENTER,
            "Log",
            size::BODY,
            Weight::Semibold,
            palette.text,
        );
        let count = format::counted(count(view), "event", "events");
        paint_text(
            painter,
            pos2(title.right() + space::S, head.center().y),
            Align2::LEFT_CENTER,
            &count,
            size::SMALL,
            Weight::Regular,
            palette.text3,
        );
        let place = head.with_max_x(head.right() - space::XS);
        let layout = Layout::right_to_left(Align::Center);
        ui.scope_builder(UiBuilder::new().max_rect(place).layout(layout), |ui| {
            let copy = Button::plain("Copy")
                .height(height::HIT)
                .tooltip("Copies the whole log as text, oldest first");
            if ui.add_enabled(!self.rows.is_empty(), copy).clicked() {
                ui.ctx().copy_text(lines(&self.rows));
            }
            let newer = self.newer();
            if self.held.is_some() {
                let words = match newer {
                    0 => "Newest".to_owned(),
                    count => format!("{count} newer"),
                };
                let button = Button::plain(&words).icon(Icon::Undo).height(height::HIT);
                if ui
                    .add(button.tooltip("Back to the newest events"))
                    .clicked()
                {
                    self.held = None;
                }
            }
        });
    }

    /// Rows that came since somebody scrolled away.
    fn newer(&self) -> usize {
        let held = self.held.unwrap_or(u64::MAX);
        self.rows.iter().take_while(|row| row.id > held).count()
    }

    fn body(&mut self, ui: &mut Ui, view: &View, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        if self.rows.is_empty() {
            ui.add_space(space::M);
            ui.horizontal(|ui| {
                ui.add_space(space::M);
                ui.label(theme::text(
                    NOTHING,
                    size::SMALL,
                    Weight::Regular,
                    palette.text3,
                ));
            });
            return;
        }
        let skipped = self.newer();
        let follows = self.held.is_none();
        let mut area = ScrollArea::vertical()
            .id_salt("log")
            .auto_shrink([false, false]);
        if follows {
            area = area.vertical_scroll_offset(0.0);
        }
        // A wheel or a drag takes the lead from the newest row; at the top it gives it back.
        let scrolled = ui.rect_contains_pointer(ui.max_rect())
            && ui.input(|input| input.smooth_scroll_delta.y < 0.0);
        if scrolled && follows {
            self.held = self.rows.first().map(|row| row.id);
        }
        let output = area.show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            let width = ui.available_width();
            for row in &mut self.rows[skipped..] {
                if let Some((height, at)) = row.height
                    && at == width
                {
                    let place = Rect::from_min_size(ui.cursor().min, vec2(width, height));
                    if !ui.is_rect_visible(place) {
                        ui.allocate_exact_size(place.size(), Sense::hover());
                        continue;
                    }
                }
                let response = row.show(ui, true);
                row.height = Some((response.rect.height(), width));
                if response.clicked() {
                    actions.push(read_at(row, view));
                }
                copy_menu(&response, row);
            }
        });
        let id = output.id;
        ui.ctx()
            .accesskit_node_builder(id, |node| node.set_label("Events, newest first"));
        if !follows && !scrolled && output.state.clamped_offset().y <= 0.0 && skipped == 0 {
            self.held = None;
        }
    }

    /// Makes the rows afresh, a few times a second or when something happened.
    fn tell(&mut self, ui: &Ui, view: &View) {
        let now = ui.input(|input| input.time);
        let happened = view.history.happened();
        let news = (happened, view.notices.changes());
        if let Some((at, seen)) = self.told
            && (0.0..REFRESH_S).contains(&(now - at))
            && seen == news
        {
            return;
        }
        if self.told.is_some_and(|(_, seen)| happened < seen.0) {
            self.held = None;
        }
        self.told = Some((now, news));
        let before = std::mem::take(&mut self.rows);
        let mut rows = rows(view);
        let latest = view.notices.iter().last().map(Row::told);
        for row in &mut rows {
            // What has not changed keeps its height.
            let at = before.partition_point(|old| old.id > row.id);
            let same_id = before[at..].iter().take_while(|old| old.id == row.id);
            if let Some(old) = same_id.into_iter().find(|old| old.event == row.event) {
                row.height = old.height;
            }
        }
        self.rows = rows;
        self.line = view.history.happenings().next_back().map(|happening| {
            let mut row = Row::of(happening, view);
            // Alone on its line, a discovery has to say what the fault had cost.
            if let What::FoundDead {
                fault: Some(fault), ..
            } = &happening.what
                && let Some(fault) = view.snapshot.faults.get(*fault)
            {
                let losses = events::losses(fault.lost_writes, fault.lost_sessions);
                row.event.detail.extend(losses);
            }
            row
        });
        // What began since the last happening is the latest.
        if let Some(latest) = latest
            && self
                .line
                .as_ref()
                .is_none_or(|line| latest.event.at >= line.event.at)
        {
            self.line = Some(latest);
        }
    }
}

/// Everything that happened and what it cost, newest first.
fn rows(view: &View) -> Vec<Row> {
    let happenings = view.history.happenings().rev();
    let mut rows: Vec<Row> = happenings
        .map(|happening| Row::of(happening, view))
        .collect();
    for notice in view.notices.iter() {
        let newer = rows.partition_point(|row| row.event.at > notice.at);
        rows.insert(newer, Row::told(notice));
    }
    rows
}

/// A line for each, oldest first.
fn lines(rows: &[Row]) -> String {
    let lines: Vec<String> = rows.iter().rev().map(Row::text).collect();
    lines.join("\n")
}

/// The whole log as text under a title, oldest first; it says so where the oldest is no longer known.
pub fn text(view: &View, title: &str) -> String {
    let rows = rows(view);
    let now = format::span(view.snapshot.now);
    let mut text = format!("{title}: the first {now}, seed {}\n\n", view.seed);
    let forgotten = count(view).saturating_sub(rows.len() as u64);
    if forgotten > 0 {
        let forgotten = format::counted(forgotten, "event", "events");
        text.push_str(&format!("(The first {forgotten} are no longer known.)\n"));
    }
    if rows.is_empty() {
        text.push_str("Nothing has happened.");
    }
    text.push_str(&lines(&rows));
    text.push('\n');
    text
}

/// How much there is to read.
fn count(view: &View) -> u64 {
    view.history.happened() + view.notices.len() as u64
}

const NOTHING: &str = "Nothing has happened yet. Play, then click an instance to crash it.";

/// A click on a row reads charts and inspector at its instant; a second one goes back to now.
fn read_at(row: &Row, view: &View) -> Action {
    let at = Some(row.event.at);
    Action::SetCursor(at.filter(|_| view.cursor != at))
}

fn copy_menu(response: &Response, row: &Row) {
    response.context_menu(|ui| {
        let copy = ui.add(Button::plain("Copy this line"));
        copy.widget_info(|| WidgetInfo::labeled(Role::MenuItem, true, "Copy this line"));
        if copy.clicked() {
            ui.ctx().copy_text(row.text());
            ui.close();
        }
    });
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
            let sample = Sample::new();
            let mut log = Log::default();
            picture("log", vec2(440.0, 275.0), dark, |ui| {
                log.ui(ui, &sample.view());
            });
            let mut log = Log::default();
            picture("log-line", vec2(1000.0, 28.0), dark, |ui| {
                log.line_ui(ui, &sample.view());
            });
        }
    }

    struct State {
        sample: Sample,
        log: Log,
        line: bool,
        actions: Vec<Action>,
    }

    fn harness<'a>(line: bool) -> Harness<'a, State> {
        let state = State {
            sample: Sample::new(),
            log: Log::default(),
            line,
            actions: Vec::new(),
        };
        Harness::builder()
            .with_size(vec2(1000.0, if line { 400.0 } else { 275.0 }))
            .with_context_setup(|ctx| theme::install(ctx, theme::Settings::default()))
            .build_ui_state(
                |ui, state: &mut State| {
                    if state.line {
                        ui.add_space(360.0);
                    }
                    let view = state.sample.view();
                    let actions = if state.line {
                        state.log.line_ui(ui, &view)
                    } else {
                        state.log.ui(ui, &view)
                    };
                    state.actions.extend(actions);
                },
                state,
            )
    }

    #[test]
    fn the_pane_says_what_happened_and_what_it_cost() {
        let mut harness = harness(false);
        harness.run();
        let crash = "60.0 s api 2 crashed. 512 sessions and 49 acknowledged writes lost. \
                     Found dead after 5.1 s. Caused 381 failed operations. 129 saved by a retry.";
        harness.get_by_label(crash).click();
        harness.run();
        let at = crate::units::Duration::from_secs(60.0);
        assert_eq!(harness.state().actions, [Action::SetCursor(Some(at))]);
        harness.get_by_label("Copy").click();
        let mut copied = String::new();
        for _ in 0..4 {
            harness.step();
            for command in &harness.output().platform_output.commands {
                if let egui::OutputCommand::CopyText(text) = command {
                    copied.clone_from(text);
                }
            }
        }
        assert!(copied.starts_with("31.0 s  api instances set to 4\n"));
        assert_eq!(copied.lines().count(), 4);
    }

    #[test]
    fn one_line_opens_the_whole_log() {
        let mut harness = harness(true);
        harness.run();
        harness.get_by_label_contains("512 sessions and 49 acknowledged writes lost");
        assert!(harness.query_by_label("Copy").is_none());
        harness.get_by_label("Log 4").click();
        harness.run();
        harness.get_by_label("Copy");
        harness.get_by_label_contains("api instances set to 4");
    }

    #[test]
    fn an_empty_log_says_how_to_begin() {
        let mut harness = harness(false);
        harness.state_mut().sample.history.clear();
        harness.run();
        harness.get_by_label(NOTHING);
    }
}
