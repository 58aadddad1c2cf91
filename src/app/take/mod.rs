//! What is taken away from the window: pictures, charts, the log, the results. It is made and written on a thread of its
//! own, from a copy of what was seen when it was asked for, whole or not at all.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use egui::{Context, ThemePreference};

use crate::analysis::Estimate;
use crate::app::action::Take;
use crate::app::panes::canvas::{self, Canvas};
use crate::app::panes::charts::{self, TimeWindow};
use crate::app::panes::log;
use crate::app::picture::Look;
use crate::app::picture::raster::{Frame, Image, Settled};
use crate::app::run::still::Still;
use crate::app::theme;
use crate::app::words::spoken;
use crate::model::file;
use crate::report;
use crate::sim::figures::Figures;

/// Makes the bytes of a file; the error is a sentence.
type Work = Box<dyn FnOnce() -> Result<Vec<u8>, String> + Send>;

/// What was being taken away and is done with.
#[derive(Debug)]
pub enum Done {
    /// It has been written.
    Saved(Take, PathBuf),
    /// A picture for the clipboard.
    Copied(Image),
    /// It could not be made or written: what, and why.
    Failed(String),
}

/// The canvas as it is, for a picture of it.
pub struct Scene {
    /// Places of the nodes.
    pub canvas: Canvas,
    /// What it shows.
    pub still: Still,
    /// How the picture looks.
    pub look: Look,
}

impl Scene {
    fn settled(self) -> Settled {
        canvas::picture(self.canvas, &self.still, self.look)
    }
}

/// What something that is to be taken away is made of.
pub enum Material {
    /// The canvas.
    Canvas(Scene),
    /// The window.
    Window(Frame),
    /// The charts.
    Charts(Still, TimeWindow, Look),
    /// The log, under a title.
    Log(Still, String),
    /// The results, which the running system answers with.
    Results(Receiver<Figures<Estimate>>),
}

/// What a drawing is called by those who cannot see it.
fn title(still: &Still) -> String {
    let name = &still.view().topology.name;
    if name.is_empty() {
        "Topology".to_owned()
    } else {
        name.clone()
    }
}

fn png(image: &Image) -> Result<Vec<u8>, String> {
    let bytes = image.to_png();
    if bytes.is_empty() {
        return Err("there is nothing in the picture".to_owned());
    }
    Ok(bytes)
}

impl Material {
    /// The bytes of its file.
    fn made(self, take: Take) -> Result<Vec<u8>, String> {
        match self {
            Self::Canvas(scene) => {
                let title = title(&scene.still);
                drawn(scene.settled(), take, &title)
            }
            Self::Window(frame) => png(&frame.image()),
            Self::Charts(still, ..) if take == Take::ChartsCsv => {
                let history = still.view().history;
                Ok(report::csv::samples(history.intervals()).into_bytes())
            }
            Self::Charts(still, window, look) => {
                let title = format!("Charts of {}", title(&still));
                drawn(charts::picture(&still, window, look), take, &title)
            }
            Self::Log(still, title) => Ok(log::text(&still.view(), &title).into_bytes()),
            Self::Results(answer) => match answer.recv() {
                Ok(results) => Ok(report::json::results(&results).into_bytes()),
                Err(mpsc::RecvError) => Err("nothing runs that could have results".to_owned()),
            },
        }
    }
}

/// As pixels or as a drawing.
fn drawn(settled: Settled, take: Take, title: &str) -> Result<Vec<u8>, String> {
    match take.format() {
        (_, "svg") => Ok(settled.svg(title).into_bytes()),
        _ => png(&settled.image()),
    }
}

/// A frame of the window that is to be taken, in one theme or the other.
#[derive(Debug)]
struct Exposure {
    /// The theme that it takes the place of, if it does.
    before: Option<ThemePreference>,
    /// The frame in which it was asked for, which still has the menu.
    asked: u64,
}

/// What is being taken away.
#[derive(Debug)]
pub struct Taking {
    waiting: Option<Waiting>,
    exposure: Option<Exposure>,
    sender: Sender<Done>,
    done: Receiver<Done>,
    threads: Vec<JoinHandle<()>>,
    /// All is done on the thread that asks, as in tests.
    at_once: bool,
    /// Where the last one went.
    folder: Option<PathBuf>,
}

/// What waits until its file is known.
struct Waiting {
    take: Take,
    work: Work,
}

impl std::fmt::Debug for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Waiting({:?})", self.take)
    }
}

impl Taking {
    /// `at_once`: on the thread that asks.
    pub fn new(at_once: bool) -> Self {
        let (sender, done) = mpsc::channel();
        Self {
            waiting: None,
            exposure: None,
            sender,
            done,
            threads: Vec::new(),
            at_once,
            folder: None,
        }
    }

    /// Where the last one went.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Keeps what it is made of until its file is known.
    pub fn wait(&mut self, take: Take, material: Material) {
        let work: Work = Box::new(move || material.made(take));
        self.waiting = Some(Waiting { take, work });
    }

    /// No file was chosen.
    pub fn give_up(&mut self) {
        self.waiting = None;
    }

    /// Makes and writes what waits.
    pub fn write(&mut self, ctx: &Context, path: PathBuf) {
        let Some(Waiting { take, work }) = self.waiting.take() else {
            return;
        };
        self.folder = path.parent().map(Path::to_owned);
        self.run(ctx, move || {
            let what = format!("{} was not saved", take.name());
            match guarded(work) {
                Err(why) => Done::Failed(format!("{what}: {why}")),
                Ok(bytes) => match file::save(&path, bytes) {
                    Ok(()) => Done::Saved(take, path),
                    Err(error) => {
                        let why = spoken::io(&error);
                        Done::Failed(format!("{what} as {}: {why}", path.display()))
                    }
                },
            }
        });
    }

    /// Makes a picture for the clipboard.
    pub fn copy(&mut self, ctx: &Context, scene: Scene) {
        self.run(ctx, move || match guarded(|| Ok(scene.settled().image())) {
            Ok(image) => Done::Copied(image),
            Err(why) => Done::Failed(format!("The picture was not copied: {why}")),
        });
    }

    fn run(&mut self, ctx: &Context, work: impl FnOnce() -> Done + Send + 'static) {
        let (sender, ctx) = (self.sender.clone(), ctx.clone());
        let work = move || {
            // The window may be gone by then: what is asked for is written all the same.
            let _ = sender.send(work());
            ctx.request_repaint();
        };
        if self.at_once {
            work();
            return;
        }
        self.threads.retain(|thread| !thread.is_finished());
        let thread = thread::Builder::new().name("take away".to_owned());
        match thread.spawn(work) {
            Ok(thread) => self.threads.push(thread),
            Err(_) => {
                let text = "Nothing was saved: the system has no thread left".to_owned();
                // The receiver is here.
                let _ = self.sender.send(Done::Failed(text));
            }
        }
    }

    /// What is done with since the last call.
    pub fn take_done(&mut self) -> Option<Done> {
        self.done.try_recv().ok()
    }

    /// Has the window drawn once in that theme, so that [`Self::exposed`] has its picture.
    pub fn expose(&mut self, ctx: &Context, dark: bool) {
        let before = ctx.options(|options| options.theme_preference);
        let other = theme::palette(ctx).dark != dark;
        if other {
            theme::set(ctx, dark);
        }
        self.exposure = Some(Exposure {
            before: other.then_some(before),
            asked: ctx.cumulative_frame_nr(),
        });
        ctx.request_repaint();
    }

    /// Whether the frame that is being made is the one that is taken.
    pub fn exposes(&self, ctx: &Context) -> bool {
        let now = ctx.cumulative_frame_nr();
        self.exposure
            .as_ref()
            .is_some_and(|exposure| now > exposure.asked)
    }

    /// The picture of the window, at the end of the frame that was drawn for it. If that is in the other theme, nobody
    /// sees it: it is drawn again.
    pub fn exposed(&mut self, ctx: &Context) -> Option<Frame> {
        // A frame that is drawn again is not yet what is seen.
        if !self.exposes(ctx) || ctx.will_discard() {
            return None;
        }
        let exposure = self.exposure.take()?;
        let frame = Frame::of(ctx);
        if let Some(before) = exposure.before {
            ctx.set_theme(before);
            ctx.request_discard("the picture in the other theme is taken");
        }
        Some(frame)
    }
}

impl Drop for Taking {
    fn drop(&mut self) {
        for thread in self.threads.drain(..) {
            // What was asked for is written before the window is gone.
            let _ = thread.join();
        }
    }
}

/// A panic while something is drawn costs that drawing and nothing else.
fn guarded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err("the program made a mistake in drawing it".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::sample::Sample;

    fn asked(path: &Path) -> Done {
        let mut taking = Taking::new(true);
        let material = Material::Log(Still::of(&Sample::new().view()), "A title".to_owned());
        taking.wait(Take::LogText, material);
        taking.write(&Context::default(), path.to_owned());
        taking.take_done().expect("an answer")
    }

    #[test]
    fn what_cannot_be_written_is_told_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone/log.txt");
        let Done::Failed(text) = asked(&gone) else {
            panic!("written into a folder that is not there");
        };
        assert!(text.starts_with("Log was not saved as "), "{text}");
        assert!(text.ends_with("gone/log.txt: the folder is gone"), "{text}");
        let Done::Failed(text) = asked(folder.path()) else {
            panic!("written over a folder");
        };
        assert!(text.ends_with("this is a folder, not a file"), "{text}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

        let path = folder.path().join("log.txt");
        assert!(matches!(asked(&path), Done::Saved(Take::LogText, to) if to == path));
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with("A title: the first 66.4 s, seed 7\n\n31.0 s  api instances"));
    }

    #[test]
    fn results_of_nothing_are_a_sentence() {
        let (answer, results) = mpsc::channel();
        drop(answer);
        let why = Material::Results(results).made(Take::ResultsJson);
        assert_eq!(why, Err("nothing runs that could have results".to_owned()));
    }

    #[test]
    fn a_mistake_in_drawing_is_told() {
        let why = guarded::<()>(|| panic!("on purpose"));
        assert!(why.is_err());
    }

    #[test]
    fn a_thread_writes_before_the_window_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("canvas.png");
        let mut taking = Taking::new(false);
        let scene = Scene {
            canvas: Canvas::default().untouched(),
            still: Still::of(&Sample::new().view()),
            look: Look::default(),
        };
        taking.wait(Take::CanvasPng, Material::Canvas(scene));
        taking.write(&Context::default(), path.clone());
        drop(taking);
        assert!(Image::from_png(&std::fs::read(path).unwrap()).is_ok());
    }
}
