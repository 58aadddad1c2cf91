//! Asking for a file: the system's dialog on a thread of its own, and a field to type a path where there is none.
//!
//! Without a file dialog service the system answers at once with nothing, and a broken one never answers: then the
//! field appears. An answer that comes after all is still taken.

use std::fs;
use std::future::Future;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration as RealDuration, Instant};

use egui::{Align2, Area, Context, Frame, Id, Key, Order, Stroke, TextEdit, vec2};

use crate::app::action::Take;
use crate::app::icons::Icon;
use crate::app::theme::{self, Weight, radius, size, space};
use crate::app::widgets::Button;

/// An answer of "nothing" within this time comes from a system without dialogs, not from a person.
const AT_ONCE: RealDuration = RealDuration::from_millis(400);
/// After this time without an answer, in which nothing else has the keyboard, the field is offered besides.
const PATIENCE: RealDuration = RealDuration::from_secs(10);

/// What a file is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To open it.
    Open,
    /// To write the document to it.
    SaveAs,
    /// To write the session to it, as a scenario.
    SaveSession,
    /// To write what is taken away to it.
    Take(Take),
}

impl Purpose {
    fn title(self) -> &'static str {
        match self {
            Self::Open => "Open a topology",
            Self::SaveAs => "Save the topology as",
            Self::SaveSession => "Save the session as a scenario",
            Self::Take(take) => take.title(),
        }
    }

    /// The kind of file, and the ending of its name.
    fn format(self) -> (&'static str, &'static str) {
        match self {
            Self::Open | Self::SaveAs | Self::SaveSession => ("Topology", "ron"),
            Self::Take(take) => take.format(),
        }
    }

    fn verb(self) -> &'static str {
        match self {
            Self::Open => "Open file",
            Self::SaveAs | Self::SaveSession | Self::Take(_) => "Save file",
        }
    }
}

/// Looks whether a file is still as it was read, on a thread of its own: a disk may be slow, or far away.
#[derive(Debug)]
struct Comparing {
    path: PathBuf,
    changed: Receiver<bool>,
}

/// What a file turned out to be before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The file.
    pub path: PathBuf,
    /// Whether somebody else has written it since.
    pub changed: bool,
}

/// The question that is open, if any.
#[derive(Debug, Default)]
pub struct Files {
    asking: Option<Asking>,
    /// What was asked when the last path was typed, until it is known whether that one will do.
    given: Option<Asking>,
    comparing: Option<Comparing>,
    /// Whether the system's dialogs are left alone, as in tests.
    typed_only: bool,
}

#[derive(Debug)]
struct Asking {
    purpose: Purpose,
    answer: Option<Receiver<Option<PathBuf>>>,
    since: Instant,
    /// Since when the window has the keyboard: a dialog that is there takes it.
    alone: Instant,
    /// Whether the field is shown.
    field: bool,
    typed: String,
    /// Why the typed path will not do.
    error: Option<String>,
    /// The file that a second press replaces.
    replace: Option<PathBuf>,
}

impl Files {
    /// Never shows the system's dialogs, only the field.
    pub fn typed_only() -> Self {
        Self {
            typed_only: true,
            ..Self::default()
        }
    }

    /// Whether only the field is ever shown.
    pub fn are_typed(&self) -> bool {
        self.typed_only
    }

    /// Asks for a file; `suggested` is where to begin.
    pub fn ask(&mut self, ctx: &Context, purpose: Purpose, suggested: &Path) {
        let answer = (!self.typed_only).then(|| dialog(ctx, purpose, suggested));
        self.asking = Some(Asking {
            purpose,
            field: answer.is_none(),
            answer,
            since: Instant::now(),
            alone: Instant::now(),
            typed: suggested.display().to_string(),
            error: None,
            replace: None,
        });
    }

    /// Begins to look whether `path` still holds `known`; if it holds `wanted`, there is nothing to ask about either.
    pub fn compare(&mut self, ctx: &Context, path: &Path, known: &str, wanted: &str) {
        let (answer, changed) = mpsc::channel();
        let (file, known, wanted) = (path.to_owned(), known.to_owned(), wanted.to_owned());
        let ctx = ctx.clone();
        let look = move || {
            // The window may have been closed meanwhile: then nobody wants the answer.
            let _ = answer.send(differs(&file, &[&known, &wanted]));
            ctx.request_repaint();
        };
        if self.typed_only {
            look();
        } else {
            // Without a thread the channel is closed, and the file is written without a question.
            let thread = thread::Builder::new().name("file comparison".to_owned());
            drop(thread.spawn(look));
        }
        self.comparing = Some(Comparing {
            path: path.to_owned(),
            changed,
        });
    }

    /// What has become of the comparison, once it is over.
    pub fn compared(&mut self) -> Option<Compared> {
        let comparing = self.comparing.as_ref()?;
        let changed = match comparing.changed.try_recv() {
            Ok(changed) => changed,
            Err(TryRecvError::Empty) => return None,
            Err(TryRecvError::Disconnected) => false,
        };
        let Comparing { path, .. } = self.comparing.take()?;
        Some(Compared { path, changed })
    }

    /// The path that was typed last will not do: the field is there again with it and with the reason. False where it
    /// was not typed: then there is no field to say it at.
    pub fn refuse(&mut self, ctx: &Context, error: &str) -> bool {
        let Some(mut asking) = self.given.take() else {
            return false;
        };
        asking.error = Some(error.to_owned());
        asking.replace = None;
        self.asking = Some(asking);
        ctx.memory_mut(|memory| memory.request_focus(text_id()));
        true
    }

    /// Whether a file is asked for, or looked at before it is written.
    pub fn is_busy(&self) -> bool {
        self.is_asking() || self.comparing.is_some()
    }

    /// Whether the system's dialog or the field is open.
    pub fn is_asking(&self) -> bool {
        self.asking.is_some()
    }

    /// Shows the field where it is needed, `top` points below the window's top; returns the chosen file.
    pub fn show(&mut self, ctx: &Context, top: f32) -> Option<(Purpose, PathBuf)> {
        self.given = None;
        let asking = self.asking.as_mut()?;
        if let Some(answer) = &asking.answer {
            match answer.try_recv() {
                Ok(Some(path)) => {
                    let purpose = asking.purpose;
                    self.asking = None;
                    return Some((purpose, with_ending(path, purpose)));
                }
                Ok(None) if asking.since.elapsed() < AT_ONCE => {
                    asking.answer = None;
                    asking.field = true;
                }
                Ok(None) => {
                    self.asking = None;
                    return None;
                }
                Err(TryRecvError::Empty) => {
                    if !ctx.input(|input| input.focused) {
                        asking.alone = Instant::now();
                    }
                    if asking.alone.elapsed() >= PATIENCE {
                        asking.field = true;
                    }
                    ctx.request_repaint_after(RealDuration::from_millis(200));
                }
                Err(TryRecvError::Disconnected) => {
                    asking.answer = None;
                    asking.field = true;
                }
            }
        }
        if !asking.field {
            return None;
        }
        let outcome = asking.field_ui(ctx, top);
        match outcome {
            Field::Open => None,
            Field::Cancelled => {
                self.asking = None;
                None
            }
            Field::Chosen(path) => {
                let purpose = asking.purpose;
                self.given = self.asking.take();
                Some((purpose, path))
            }
        }
    }
}

/// The field in which a path is typed.
fn text_id() -> Id {
    Id::unique("path field").with("text")
}

enum Field {
    Open,
    Cancelled,
    Chosen(PathBuf),
}

impl Asking {
    /// The typed path; one that would replace another file only when it is given twice.
    fn chosen(&mut self) -> Result<PathBuf, String> {
        let path = typed_path(&self.typed, self.purpose)?;
        if self.purpose != Purpose::Open && path.exists() && self.replace.as_ref() != Some(&path) {
            let error = format!(
                "{} exists already: press {} again to replace it",
                path.display(),
                self.purpose.verb()
            );
            self.replace = Some(path);
            return Err(error);
        }
        Ok(path)
    }

    fn field_ui(&mut self, ctx: &Context, top: f32) -> Field {
        let palette = theme::palette(ctx);
        let mut outcome = Field::Open;
        let id = Id::unique("path field");
        let first = !ctx.data(|data| data.get_temp::<bool>(id).unwrap_or(false));
        ctx.data_mut(|data| data.insert_temp(id, true));
        Area::new(id.with("area"))
            .order(Order::Foreground)
            .anchor(Align2::CENTER_TOP, vec2(0.0, top + space::M))
            .show(ctx, |ui| {
                Frame::new()
                    .fill(palette.card)
                    .stroke(Stroke::new(theme::stroke::HAIR, palette.hair))
                    .corner_radius(radius::CARD)
                    .shadow(ui.visuals().window_shadow)
                    .inner_margin(space::M)
                    .show(ui, |ui| {
                        ui.set_width(560.0_f32.min(ctx.content_rect().width() - 80.0));
                        let title = theme::text(
                            self.purpose.title(),
                            size::BODY,
                            Weight::Semibold,
                            palette.text,
                        );
                        let title = ui.label(title);
                        ui.add_space(space::XS);
                        ui.horizontal(|ui| {
                            let buttons = 196.0;
                            let edit = TextEdit::singleline(&mut self.typed)
                                .id(text_id())
                                .desired_width(ui.available_width() - buttons)
                                .margin(vec2(8.0, 5.0))
                                .hint_text(format!("Path of a .{} file", self.purpose.format().1));
                            let edit = ui.add(edit).labelled_by(title.id);
                            if first {
                                edit.request_focus();
                            }
                            let enter =
                                edit.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
                            let go = ui.add(Button::primary(self.purpose.verb())).clicked();
                            let cancel = ui.add(Button::secondary("Cancel")).clicked();
                            if go || enter {
                                match self.chosen() {
                                    Ok(path) => outcome = Field::Chosen(path),
                                    Err(error) => {
                                        self.error = Some(error);
                                        edit.request_focus();
                                    }
                                }
                            } else if cancel || ui.input(|i| i.key_pressed(Key::Escape)) {
                                outcome = Field::Cancelled;
                            }
                        });
                        if let Some(error) = &self.error {
                            ui.horizontal_top(|ui| {
                                let (rect, _) =
                                    ui.allocate_exact_size(vec2(14.0, 16.0), egui::Sense::hover());
                                Icon::Warning.paint_in(ui.painter(), rect, 14.0, palette.failed);
                                let text = theme::text(
                                    error,
                                    size::SMALL,
                                    Weight::Regular,
                                    palette.failed,
                                );
                                let label = ui.add(egui::Label::new(text).wrap());
                                ui.ctx().accesskit_node_builder(label.id, |node| {
                                    node.set_live(egui::accesskit::Live::Assertive);
                                });
                            });
                        }
                    });
            });
        if !matches!(outcome, Field::Open) {
            ctx.data_mut(|data| data.remove::<bool>(id));
        }
        outcome
    }
}

/// Whether a file holds none of the texts. One that is gone, or cannot be read, holds nothing that could be lost by
/// writing it; whether it can be written is told then.
fn differs(path: &Path, texts: &[&str]) -> bool {
    let longest = texts.iter().map(|text| text.len()).max().unwrap_or(0) as u64;
    let mut bytes = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(longest + 1).read_to_end(&mut bytes));
    read.is_ok() && texts.iter().all(|text| text.as_bytes() != bytes)
}

/// A typed path as one that can be used: "~" is the home folder, and what is saved gets its ending.
fn typed_path(typed: &str, purpose: Purpose) -> Result<PathBuf, String> {
    let typed = typed.trim().trim_matches('"');
    if typed.is_empty() {
        return Err("Write the path of a file".to_owned());
    }
    let mut path = match (typed.strip_prefix("~/"), std::env::home_dir()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(typed),
    };
    if path.is_dir() {
        return Err(format!(
            "{} is a folder: add the file's name",
            path.display()
        ));
    }
    if purpose == Purpose::Open {
        if !path.exists() {
            return Err(format!("There is no file {}", path.display()));
        }
    } else {
        if path.extension().is_none() {
            path.set_extension(purpose.format().1);
        }
        let folder = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(format!("There is no folder {}", folder.display()));
        }
    }
    Ok(path)
}

/// Not every dialog adds the ending to a name without one; and none has asked whether the file may be replaced that has
/// it.
fn with_ending(path: PathBuf, purpose: Purpose) -> PathBuf {
    if purpose == Purpose::Open || path.extension().is_some() || path.exists() {
        return path;
    }
    let ended = path.with_extension(purpose.format().1);
    if ended.exists() { path } else { ended }
}

/// Shows the system's dialog; the answer comes through the channel, and the window is woken for it.
fn dialog(ctx: &Context, purpose: Purpose, suggested: &Path) -> Receiver<Option<PathBuf>> {
    let (kind, ending) = purpose.format();
    let mut dialog = rfd::AsyncFileDialog::new()
        .set_title(purpose.title())
        .add_filter(kind, &[ending]);
    if let Some(folder) = suggested.parent().filter(|folder| folder.is_dir()) {
        dialog = dialog.set_directory(folder);
    }
    if let (Some(name), false) = (suggested.file_name(), purpose == Purpose::Open) {
        dialog = dialog.set_file_name(name.to_string_lossy());
    }
    let (answer, answered) = mpsc::channel();
    let ctx = ctx.clone();
    let wait = move |chosen: Option<rfd::FileHandle>| {
        // The window may have been closed meanwhile: then nobody wants the answer.
        let _ = answer.send(chosen.map(|file| file.path().to_owned()));
        ctx.request_repaint();
    };
    let name = "file dialog".to_owned();
    // Some systems want the dialog to be made on the window's thread; waiting happens on its own.
    let spawned = if purpose == Purpose::Open {
        let future = dialog.pick_file();
        thread::Builder::new()
            .name(name)
            .spawn(move || wait(block_on(future)))
    } else {
        let future = dialog.save_file();
        thread::Builder::new()
            .name(name)
            .spawn(move || wait(block_on(future)))
    };
    // Without a thread the channel is closed, and the field appears.
    drop(spawned);
    answered
}

/// Waits on this thread until the future is done.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut task = TaskContext::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut task) {
            Poll::Ready(value) => return value,
            Poll::Pending => thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_paths_are_made_usable_or_explained() {
        let folder = tempfile::tempdir().unwrap();
        let there = folder.path().join("there.ron");
        std::fs::write(&there, "").unwrap();
        let text = |path: &Path| path.display().to_string();

        assert_eq!(typed_path(&text(&there), Purpose::Open), Ok(there.clone()));
        let missing = folder.path().join("missing.ron");
        assert!(
            typed_path(&text(&missing), Purpose::Open)
                .unwrap_err()
                .contains("missing.ron")
        );
        assert!(typed_path("  ", Purpose::Open).is_err());
        assert!(
            typed_path(&text(folder.path()), Purpose::SaveAs)
                .unwrap_err()
                .contains("folder")
        );
        let bare = folder.path().join("new");
        assert_eq!(
            typed_path(&text(&bare), Purpose::SaveAs),
            Ok(folder.path().join("new.ron"))
        );
        let nowhere = folder.path().join("no/new.ron");
        assert!(typed_path(&text(&nowhere), Purpose::SaveSession).is_err());
    }

    #[test]
    fn a_file_that_somebody_else_wrote_differs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.ron");
        assert!(!differs(&path, &["one", "two"]), "gone");
        for (text, other) in [
            ("one", false),
            ("two", false),
            ("one more", true),
            ("", true),
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(differs(&path, &["one", "two"]), other, "{text}");
        }
    }

    #[test]
    fn waiting_for_a_future_ends_when_it_is_done() {
        let mut polls = 0;
        let future = std::future::poll_fn(|task| {
            polls += 1;
            if polls == 3 {
                return Poll::Ready(polls);
            }
            task.waker().wake_by_ref();
            Poll::Pending
        });
        assert_eq!(block_on(future), 3);
    }
}
