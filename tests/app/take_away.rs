//! What is taken away from the window: pictures, charts, the log, results; and files of late.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::window::{SIZE, Window};
use egui::{Color32, Key, Modifiers, OutputCommand};
use egui_kittest::kittest::Queryable;
use statescope::app::action::TakeOptions;
use statescope::app::picture::raster::Image;
use statescope::app::shell::Kept;
use statescope::app::theme::Palette;
use statescope::model::load;

const SHIFT: Modifiers = Modifiers {
    shift: true,
    ..Modifiers::COMMAND
};

/// A window whose system has run for some seconds, and stands.
fn ran() -> Window {
    played(Kept::default())
}

fn played(kept: Kept) -> Window {
    let mut window = Window::with(kept, Some(load("sticky-in-memory").unwrap()));
    window.click("Play");
    window.wait(4.0);
    window.click("api 2");
    window.click("Crash process");
    window.wait(3.0);
    window.click("Pause");
    window
}

/// Takes something away by its entry in the menu.
fn take(window: &mut Window, entry: &str, title: &str, path: &Path) {
    window.click("Take away");
    window.click(entry);
    window.frames(3);
    window.give_path(title, path);
    window.frames(3);
}

fn picture(path: &Path) -> Image {
    Image::from_png(&fs::read(path).unwrap()).unwrap()
}

fn corner(path: &Path) -> Color32 {
    picture(path).pixels[0]
}

/// That every element of a document ends where it must, and that its texts hold no sign of a new one; gives its words.
fn words(svg: &str) -> Vec<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut words = Vec::new();
    for part in svg.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("an element ends");
        assert!(!text.contains('>'), "{text}");
        for entity in text.split('&').skip(1) {
            let name = entity.split(';').next().unwrap();
            assert!(
                ["amp", "lt", "gt", "quot"].contains(&name) || name.starts_with('#'),
                "{text}"
            );
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
        let name = tag.split([' ', '/']).next().unwrap();
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed));
        } else if !tag.ends_with('/') {
            open.push(name);
            if name == "text" {
                words.push(text.to_owned());
            }
        }
        assert!(!tag.contains("NaN") && !tag.contains("inf"), "{tag}");
    }
    assert!(open.is_empty(), "{open:?}");
    words
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

#[test]
fn before_anything_ran_only_pictures_can_be_taken() {
    let mut window = Window::on("sticky-in-memory");
    window.click("Take away");
    let enabled = |window: &Window, name: &str| {
        use egui_kittest::kittest::NodeT;
        let node = window.harness.get_by_label(name);
        !node.accesskit_node().is_disabled()
    };
    for name in [
        "Canvas as PNG...",
        "Canvas as SVG...",
        "Copy canvas as picture",
        "Whole window as PNG...",
    ] {
        assert!(enabled(&window, name), "{name}");
    }
    for name in [
        "Charts as PNG...",
        "Charts as SVG...",
        "Samples as CSV...",
        "Log as text...",
        "Results as JSON...",
    ] {
        assert!(!enabled(&window, name), "{name}");
    }
    window.key(Key::Escape);
    assert!(!window.has("Canvas as PNG..."));
}

#[test]
fn the_menu_works_by_keyboard_alone() {
    let folder = Folder::new();
    let mut window = Window::on("sticky-in-memory");
    window.keys(SHIFT, Key::E);
    window.key(Key::Tab);
    window.key(Key::Enter);
    window.frames(3);
    let path = folder.path("drawn");
    window.give_path("Save the drawing of the canvas as", &path);
    window.frames(3);
    assert!(folder.path("drawn.svg").exists(), "with its ending");
}

#[test]
fn a_picture_of_the_canvas_is_of_all_of_it_wherever_the_view_is() {
    let folder = Folder::new();
    let mut window = ran();
    let entry = "Canvas as PNG...";
    let title = "Save the picture of the canvas as";
    take(&mut window, entry, title, &folder.path("a.png"));
    assert!(window.has_part("Picture of the canvas saved as a.png in "));
    // Most of it is out of view now.
    window.click("Zoom in");
    window.click("Zoom in");
    let at = window.harness.get_by_label("Canvas").rect().center();
    window.harness.event(egui::Event::PointerMoved(at));
    window.harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: egui::vec2(0.0, 2000.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers: Modifiers::NONE,
    });
    window.frames(30);
    take(&mut window, entry, title, &folder.path("b.png"));
    let (a, b) = (
        picture(&folder.path("a.png")),
        picture(&folder.path("b.png")),
    );
    assert_eq!(a.pixels_that_differ(&b, 0), Some(0));
    // Two pixels a point: the cards reach from 80 on the left to beyond 600.
    assert!(
        a.width > 1000 && a.height > 300,
        "{} x {}",
        a.width,
        a.height
    );
}

#[test]
fn pictures_are_dark_or_light_whatever_the_window_is() {
    let folder = Folder::new();
    let (dark, light) = (Palette::of(true, false), Palette::of(false, false));
    for here in [true, false] {
        let kept = Kept {
            dark: Some(here),
            ..Kept::default()
        };
        let mut window = played(kept);
        for (name, wanted) in [("As here", here), ("Dark", true), ("Light", false)] {
            let palette = if wanted { dark } else { light };
            window.click("Take away");
            window.click(name);
            assert!(window.has("Canvas as PNG..."), "the menu stays open");
            window.key(Key::Escape);
            let path = |what: &str| folder.path(&format!("{what}-{here}-{name}"));
            for (entry, title, what, ground) in [
                (
                    "Canvas as PNG...",
                    "Save the picture of the canvas as",
                    "canvas",
                    palette.canvas,
                ),
                (
                    "Charts as PNG...",
                    "Save the picture of the charts as",
                    "charts",
                    palette.panel,
                ),
                (
                    "Whole window as PNG...",
                    "Save the picture of the window as",
                    "window",
                    palette.panel,
                ),
            ] {
                let path = path(what).with_extension("png");
                take(&mut window, entry, title, &path);
                assert_eq!(corner(&path), ground, "{}", path.display());
            }
            let path = path("canvas").with_extension("svg");
            let title = "Save the drawing of the canvas as";
            take(&mut window, "Canvas as SVG...", title, &path);
            let svg = fs::read_to_string(&path).unwrap();
            let [r, g, b, _] = palette.canvas.to_array();
            assert!(svg.contains(&format!("fill=\"#{r:02x}{g:02x}{b:02x}\"")));
            // The window itself stays as it is.
            let now = if here { "Light theme" } else { "Dark theme" };
            assert!(window.has(now));
        }
        let taking = window.shell().kept().taking;
        assert_eq!(taking.dark, Some(false), "kept for the next time");
    }
}

#[test]
fn a_picture_of_the_window_is_what_is_seen() {
    let folder = Folder::new();
    let mut window = ran();
    let path = folder.path("window.png");
    let title = "Save the picture of the window as";
    take(&mut window, "Whole window as PNG...", title, &path);
    let seen = picture(&path);
    assert_eq!([seen.width as f32, seen.height as f32], SIZE);
    // Where the menu was that it was chosen from, there is the canvas, with nothing but its dots on it.
    let palette = Palette::of(true, false);
    let canvas = |x: usize, y: usize| seen.pixels[y * seen.width + x];
    for (x, y) in (930..990).flat_map(|x| (60..400).map(move |y| (x, y))) {
        let menu = [palette.card, palette.text].contains(&canvas(x, y));
        assert!(!menu, "{x}, {y}");
    }
}

#[test]
fn a_drawing_of_the_canvas_has_the_words_of_the_canvas() {
    let folder = Folder::new();
    let mut window = ran();
    let title = "Save the drawing of the canvas as";
    let entry = "Canvas as SVG...";
    take(&mut window, entry, title, &folder.path("with.svg"));
    window.click("Take away");
    window.click("Figures of the run");
    window.key(Key::Escape);
    take(&mut window, entry, title, &folder.path("without.svg"));
    let with = words(&fs::read_to_string(folder.path("with.svg")).unwrap());
    let without = words(&fs::read_to_string(folder.path("without.svg")).unwrap());
    for name in ["clients", "lb", "api"] {
        assert!(with.iter().any(|word| word == name), "{with:?}");
        assert!(without.iter().any(|word| word == name), "{without:?}");
    }
    // Neither what happened nor that nothing did.
    for figure in [
        "0 failed",
        "0 % busy",
        "0 B",
        "0",
        "Nothing exists only here",
    ] {
        assert!(!without.iter().any(|word| word == figure), "{without:?}");
    }
    let lost = window.sessions().lost;
    let lost = format!("\u{2212}{lost}");
    assert!(with.iter().any(|word| word.contains(&lost)), "{with:?}");
    assert!(
        !without.iter().any(|word| word.contains(&lost)),
        "{without:?}"
    );
}

#[test]
fn charts_are_drawn_with_their_words_and_hold_every_sample() {
    let folder = Folder::new();
    let mut window = ran();
    let svg = folder.path("charts.svg");
    take(
        &mut window,
        "Charts as SVG...",
        "Save the drawing of the charts as",
        &svg,
    );
    let words = words(&fs::read_to_string(&svg).unwrap());
    for word in ["Throughput", "operations/s", "Response time", "Lost"] {
        assert!(words.iter().any(|w| w == word), "{word}: {words:?}");
    }
    assert!(!words.iter().any(|w| w == "Follow"));

    let csv = folder.path("charts.csv");
    take(
        &mut window,
        "Samples as CSV...",
        "Save the samples of the charts as",
        &csv,
    );
    let text = fs::read_to_string(&csv).unwrap();
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column = |name: &str| header.iter().position(|h| *h == name).unwrap();
    let view = window.shell().live().view();
    let intervals = view.history.intervals();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), intervals.len());
    for (row, interval) in rows.iter().zip(intervals) {
        assert_eq!(row.len(), header.len());
        let number = |name: &str| row[column(name)].parse::<f64>().unwrap();
        assert_eq!(number("from_s"), interval.from.secs());
        assert_eq!(number("to_s"), interval.to.secs());
        assert_eq!(number("failed"), interval.failed as f64);
        assert_eq!(number("lost_sessions"), interval.lost_sessions as f64);
        let p99 = interval.percentiles.map(|p| p[2]);
        assert_eq!(row[column("response_p99_s")].parse().ok(), p99);
        assert_eq!(
            number("nodes.api.utilisation"),
            interval
                .nodes
                .iter()
                .find(|n| n.name == "api")
                .unwrap()
                .utilisation
        );
    }
    let last = intervals.last().unwrap();
    assert_eq!(last.lost_sessions, window.sessions().lost);
}

#[test]
fn the_log_is_a_text() {
    let folder = Folder::new();
    let mut window = ran();
    let path = folder.path("log.txt");
    take(&mut window, "Log as text...", "Save the log as", &path);
    let text = fs::read_to_string(&path).unwrap();
    assert!(
        text.starts_with("Sticky sessions in memory: the first 7"),
        "{text}"
    );
    assert!(text.contains("api 2 crashed"), "{text}");
}

/// What `run --json` prints of the same system, run as long as the window has.
#[test]
fn results_are_those_of_the_command_line() {
    let folder = Folder::new();
    let mut window = ran();
    let results = folder.path("results.json");
    take(
        &mut window,
        "Results as JSON...",
        "Save the results as",
        &results,
    );
    // The crash by hand as an event of the scenario.
    window.click("Save session");
    let session = folder.path("session.ron");
    window.give_path("Save the session as a scenario", &session);
    let now = window.shell().live().view().snapshot.now;
    let output = Command::new(env!("CARGO_BIN_EXE_statescope"))
        .args(["run", "--json", "--duration", &format!("{}ns", now.0)])
        .arg(&session)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    // Event of the simulator is only what was planned: the scenario's crash is one, that by hand is not.
    let events = |text: &str| -> u64 {
        let (_, events) = text.split_once("\"events\": ").unwrap();
        events.split('\n').next().unwrap().parse().unwrap()
    };
    let taken = fs::read_to_string(&results).unwrap();
    let one_more = format!("\"events\": {}", events(&taken) + 1);
    let taken = taken.replace(&format!("\"events\": {}", events(&taken)), &one_more);
    assert!(taken == printed, "{taken}\n{printed}");
}

#[test]
fn a_picture_is_copied_to_the_clipboard() {
    let mut window = ran();
    let copied = |window: &mut Window| {
        let mut found = None;
        for _ in 0..4 {
            window.frames(1);
            let commands = &window.harness.output().platform_output.commands;
            let image = commands.iter().find_map(|command| match command {
                OutputCommand::CopyImage(image) => Some(image.size),
                _ => None,
            });
            found = found.or(image);
        }
        found
    };
    window.keys(SHIFT, Key::C);
    assert!(window.has("Picture of the canvas copied"));
    window.click("Dismiss message");
    window.click("Take away");
    window
        .harness
        .get_by_label("Copy canvas as picture")
        .click();
    let size = copied(&mut window).expect("a picture");
    assert!(size[0] > 1000 && size[1] > 300, "{size:?}");
    assert!(window.has("Picture of the canvas copied"));
    // No machine is lost by it, as by Shift+C, and none crashed.
    let faults = window.shell().live().view().snapshot.faults.len();
    assert_eq!(faults, 1);
}

#[test]
fn a_file_is_replaced_only_when_that_is_said_twice() {
    let folder = Folder::new();
    let path = folder.path("log.txt");
    fs::write(&path, "mine").unwrap();
    let mut window = ran();
    take(&mut window, "Log as text...", "Save the log as", &path);
    assert!(window.has_part("exists already: press Save file again to replace it"));
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    window.click("Cancel");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    take(&mut window, "Log as text...", "Save the log as", &path);
    window.click("Save file");
    assert!(fs::read_to_string(&path).unwrap().contains("api 2 crashed"));
}

#[test]
fn a_place_that_takes_nothing_is_told_in_a_sentence() {
    let mut window = ran();
    let path = Path::new("/dev/full");
    if !path.exists() {
        return;
    }
    take(
        &mut window,
        "Log as text...",
        "Save the log as",
        &path.join("log.txt"),
    );
    assert!(window.has_part("There is no folder /dev/full"));
    window.click("Cancel");
    window.click("Take away");
    window.click("Log as text...");
    window.frames(2);
    // Somebody removes the folder while its name is being typed.
    let folder = Folder::new();
    let log = folder.path("log.txt");
    window.keys(Modifiers::COMMAND, Key::A);
    let field = window.harness.get_by_label("Save the log as");
    field.type_text(&log.display().to_string());
    window.frames(2);
    drop(folder);
    window.key(Key::Enter);
    assert!(window.has_part("There is no folder "));
}

#[test]
fn files_of_late_are_listed_and_leave_the_list_once_they_are_gone() {
    let folder = Folder::new();
    let path = folder.path("mine.ron");
    let mut window = Window::on("sticky-in-memory");
    window.keys(SHIFT, Key::S);
    window.give_path("Save the topology as", &path);
    let kept = window.shell().kept();
    assert_eq!(kept.recent.len(), 1);
    drop(window);

    // The next session has it in the menu of the document, opens it, and does not list what is open.
    let other = load("external-redis").unwrap();
    let mut window = Window::with(kept.clone(), Some(other));
    let menu = "Document: External Redis-like store";
    let menu = if window.has(menu) {
        menu.to_owned()
    } else {
        format!("Document: {}", window.topology().name)
    };
    window.click(&menu);
    window.click("mine.ron");
    assert!(window.has("Document: Sticky sessions in memory"));
    window.click("Document: Sticky sessions in memory");
    assert!(!window.has("mine.ron"));
    drop(window);

    fs::remove_file(&path).unwrap();
    let other = load("external-redis").unwrap();
    let mut window = Window::with(kept, Some(other));
    window.click(&menu);
    window.click("mine.ron");
    assert!(window.has_part("mine.ron is gone from "));
    assert!(window.has(&menu), "what was open stays");
    assert!(window.shell().kept().recent.is_empty());
}

/// What is kept between sessions can be read by the next, whatever an earlier one knew of.
#[test]
fn options_have_defaults() {
    let kept: Kept = serde_json::from_str("{\"recent\": [\"a.ron\"]}").unwrap();
    assert_eq!(kept.taking, TakeOptions::default());
    assert_eq!(kept.recent, [PathBuf::from("a.ron")]);
}
