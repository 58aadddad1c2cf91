//! The document: a topology, its file, and what was done to it.

pub mod draft;
pub mod files;
mod place;
mod undo;

pub use place::{place_new_nodes, within_canvas};

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::app::action::Placed;
use crate::app::words::spoken;
use crate::model::settings::SettingError;
use crate::model::toggles::Remembered;
use crate::model::{Command, Loaded, Timed, Topology, file, part};
use crate::units::Duration;
use undo::Step;

/// A topology that is being worked on.
#[derive(Clone, Debug, Default)]
pub struct Document {
    topology: Topology,
    path: Option<PathBuf>,
    /// The file as it was read, and what it meant.
    original: Option<(String, Topology)>,
    /// As it was last opened or saved.
    saved: Topology,
    undo: Vec<Step>,
    redo: Vec<Step>,
    /// Steps so far, so that each has a number of its own.
    steps: u64,
    remembered: Remembered,
    /// Changes so far.
    changes: u64,
}

impl Document {
    /// A topology without a file.
    pub fn new(topology: Topology) -> Self {
        Self {
            saved: topology.clone(),
            topology,
            ..Self::default()
        }
    }

    /// A file or preset as it was read.
    pub fn from_loaded(loaded: Loaded) -> Self {
        Self {
            path: loaded.path,
            original: Some((loaded.text, loaded.topology.clone())),
            ..Self::new(loaded.topology)
        }
    }

    /// What it says now.
    pub fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Its file, once it has one.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Its title: the topology's name, or the file's, or "Untitled".
    pub fn title(&self) -> String {
        title(&self.topology, self.path())
    }

    /// Whether something would be lost if it were closed now.
    pub fn dirty(&self) -> bool {
        self.topology != self.saved
    }

    /// Changes it, in one step that can be taken back.
    ///
    /// # Errors
    /// A command names what does not exist or is no value for it; then nothing has changed.
    pub fn edit(&mut self, commands: &[Command], label: &str) -> Result<(), SettingError> {
        let mut changed = self.topology.clone();
        for command in commands {
            changed.apply(command)?;
        }
        place_new_nodes(&mut changed);
        self.step(changed, label);
        Ok(())
    }

    /// Gives a node another name, in one step that can be taken back.
    ///
    /// # Errors
    /// There is no such node, or it may not be called that; then nothing has changed.
    pub fn rename(&mut self, name: &str, new: &str) -> Result<(), String> {
        let mut changed = self.topology.clone();
        changed.rename(name, new)?;
        self.step(changed, &format!("Renamed {name} to {new}"));
        Ok(())
    }

    /// Gives a link other ends, in one step that can be taken back.
    ///
    /// # Errors
    /// There is no such link, or it may not have those ends; then nothing has changed.
    pub fn reconnect(&mut self, key: &str, from: &str, to: &str) -> Result<(), String> {
        let mut changed = self.topology.clone();
        changed.reconnect(key, from, to)?;
        let label = format!("Reconnected {}", spoken::link(&format!("{from}->{to}")));
        self.step(changed, &label);
        Ok(())
    }

    /// Adds the nodes of a part, in one step that can be taken back, named by a word ("Pasted") and what it was; returns
    /// their names. Others are `fixed` at places.
    ///
    /// # Errors
    /// There would be too many; then nothing has changed.
    pub fn insert(
        &mut self,
        part: &Topology,
        word: &str,
        fixed: &Placed,
    ) -> Result<Vec<String>, String> {
        let mut changed = self.moved(fixed);
        let names: Vec<String> = part::insert(&mut changed, part)?.into_values().collect();
        place_new_nodes(&mut changed);
        let label = match &names[..] {
            [name] => format!("{word} {name}"),
            _ => format!("{word} {} nodes", names.len()),
        };
        self.step(changed, &label);
        Ok(names)
    }

    /// Adds copies of nodes, so much further on, in one step that can be taken back; returns the copies' names.
    ///
    /// # Errors
    /// There would be too many; then nothing has changed.
    pub fn duplicate(
        &mut self,
        names: &[String],
        by: (f32, f32),
        fixed: &Placed,
    ) -> Result<Vec<String>, String> {
        let mut changed = self.moved(fixed);
        let copies = part::duplicate(&mut changed, names, by)?;
        place_new_nodes(&mut changed);
        let label = match (names, copies.values().next()) {
            ([name], Some(copy)) => format!("Duplicated {name} as {copy}"),
            _ => format!("Duplicated {} nodes", names.len()),
        };
        self.step(changed, &label);
        Ok(copies.into_values().collect())
    }

    /// Moves nodes on the canvas, in one step of that name.
    pub fn arrange(&mut self, places: &[(String, (f32, f32))], label: &str) {
        let changed = self.moved(places);
        self.step(changed, label);
    }

    fn moved(&self, places: &[(String, (f32, f32))]) -> Topology {
        let mut changed = self.topology.clone();
        for (name, place) in places {
            if changed.nodes.contains_key(name) {
                changed.canvas.insert(name.clone(), within_canvas(*place));
            }
        }
        changed
    }

    /// Changes settings that no running system has, such as the seed, in one step that can be taken back.
    pub fn change(&mut self, label: &str, change: impl FnOnce(&mut Topology)) {
        let mut changed = self.topology.clone();
        change(&mut changed);
        self.step(changed, label);
    }

    /// Moves nodes on the canvas; `continued`: as part of the step before, as while dragging.
    pub fn move_nodes(&mut self, places: &[(String, (f32, f32))], continued: bool) {
        let changed = self.moved(places);
        if continued && !self.undo.is_empty() {
            self.changes += 1;
            self.topology = changed;
        } else {
            self.step(changed, &move_label(places));
        }
    }

    /// Moves nodes on as part of the step before, if that has moved the same.
    pub fn move_on(&mut self, places: &[(String, (f32, f32))]) {
        // The first move of all may have fixed the places of others.
        let label = self.undo_label().unwrap_or_default();
        let same = label == move_label(places) || label == move_label(&[]);
        self.move_nodes(places, same && self.redo.is_empty());
    }

    /// Another number whenever it changed.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// What was written for choices of the toggles that are not in use.
    pub fn remembered(&self) -> &Remembered {
        &self.remembered
    }

    /// What would be written: the very bytes of the file as long as it means the same.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.original {
            Some((text, meant)) if *meant == self.topology => Cow::Borrowed(text),
            _ => Cow::Owned(self.text_of(&self.topology)),
        }
    }

    /// A topology that came of this document as text: what its file says explicitly is said again.
    pub fn text_of(&self, topology: &Topology) -> String {
        match &self.original {
            Some((text, meant)) => file::write_like(topology, text, meant),
            None => file::write(topology),
        }
    }

    /// Its file, and the text that was last read from it or written to it.
    pub fn on_disk(&self) -> Option<(&Path, &str)> {
        let (text, _) = self.original.as_ref()?;
        Some((self.path.as_deref()?, text))
    }

    /// Whether writing it would drop comments of the file it came from.
    pub fn would_lose_comments(&self) -> bool {
        self.original
            .as_ref()
            .is_some_and(|(text, meant)| *meant != self.topology && file::comments_lost(text))
    }

    /// It has been written: `text`, to `path`.
    pub fn was_saved(&mut self, path: PathBuf, text: String) {
        self.path = Some(path);
        self.original = Some((text, self.topology.clone()));
        self.saved = self.topology.clone();
    }
}

/// What a topology is called that is kept in a file, if in any.
pub fn title(topology: &Topology, file: Option<&Path>) -> String {
    if !topology.name.is_empty() {
        return topology.name.clone();
    }
    file.and_then(Path::file_stem).map_or_else(
        || "Untitled".to_owned(),
        |stem| stem.to_string_lossy().into_owned(),
    )
}

/// What a move is called.
fn move_label(places: &[(String, (f32, f32))]) -> String {
    match places {
        [(name, _)] => format!("{name} moved"),
        _ => "Nodes moved".to_owned(),
    }
}

/// What happened in a run as a scenario: the document as it was at the reset, with the schedule as it became, and
/// everything applied since, until `now`.
pub fn session_as_scenario(
    at_reset: &Topology,
    scenario: &[Timed],
    recording: &[Timed],
    now: Duration,
) -> Topology {
    let mut topology = at_reset.clone();
    topology.scenario = [scenario, recording].concat();
    topology.duration = topology.duration.max(now);
    // They were written for the scenario as it was.
    topology.expects.clear();
    topology
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Node;
    use crate::model::difference;
    use crate::model::settings::ron_options;

    const TEXT: &str = r#"// A comment.
Topology(
    schema: 1,
    name: "Sticky",
    sessions: InMemory(),
    nodes: {
        "clients": Clients(),
        "lb": LoadBalancer(policy: StickyCookie),
        "api": Service(instances: 4, state: InMemory(snapshot_every: "5s")),
    },
    links: ["clients -> lb", "lb -> api"],
    canvas: {"clients": (80, 200), "lb": (280, 200), "api": (480, 200)},
)"#;

    fn document() -> Document {
        let topology = ron_options().from_str(TEXT).unwrap();
        Document::from_loaded(Loaded {
            path: Some("sticky.ron".into()),
            name: "sticky.ron".into(),
            text: TEXT.into(),
            topology,
        })
    }

    fn set(path: &str, value: &str) -> Command {
        Command::Set(path.into(), value.into())
    }

    #[test]
    fn steps_are_taken_back_and_done_again() {
        let mut document = document();
        let at_first = document.topology().clone();
        assert!(!document.dirty() && document.undo_label().is_none());
        document
            .edit(&[set("nodes.api.instances", "6")], "api: 6 instances")
            .unwrap();
        assert!(document.dirty());
        assert_eq!(document.undo_label(), Some("api: 6 instances"));
        let edited = document.topology().clone();
        assert!(document.undo() && !document.dirty());
        assert_eq!(*document.topology(), at_first);
        assert_eq!(document.redo_label(), Some("api: 6 instances"));
        assert!(document.redo());
        assert_eq!(*document.topology(), edited);
        assert!(!document.redo());
        // A new step forgets what could have been done again, and one that changes nothing is none.
        document.undo();
        document
            .edit(&[set("nodes.api.workers", "9")], "workers")
            .unwrap();
        assert!(document.redo_label().is_none());
        document
            .edit(&[set("nodes.api.workers", "9")], "again")
            .unwrap();
        assert_eq!(document.undo_label(), Some("workers"));
    }

    #[test]
    fn a_failed_edit_changes_nothing() {
        let mut document = document();
        let before = document.topology().clone();
        let commands = [
            set("nodes.api.instances", "6"),
            set("nodes.apy.workers", "9"),
        ];
        let error = document.edit(&commands, "both").unwrap_err();
        assert!(error.to_string().contains("api"), "{error}");
        assert_eq!(*document.topology(), before);
        assert!(document.undo_label().is_none());
    }

    #[test]
    fn an_unedited_file_is_written_as_it_was() {
        let mut document = document();
        assert_eq!(document.text(), TEXT);
        assert!(!document.would_lose_comments());
        document
            .edit(&[set("nodes.api.instances", "6")], "6")
            .unwrap();
        assert_ne!(document.text(), TEXT);
        assert!(document.would_lose_comments());
        document.undo();
        assert_eq!(document.text(), TEXT);
    }

    #[test]
    fn dragging_is_one_step() {
        let mut document = document();
        for x in 0..10 {
            document.move_nodes(&[("api".into(), (500.0 + x as f32, 200.0))], x > 0);
        }
        assert_eq!(document.topology().canvas["api"], (509.0, 200.0));
        assert!(document.undo());
        assert_eq!(document.topology().canvas["api"], (480.0, 200.0));
        assert!(!document.undo());
    }

    #[test]
    fn new_nodes_get_a_place_where_nothing_is() {
        let mut document = document();
        let store = ron_options().from_str::<Node>("RedisLike()").unwrap();
        for name in ["store", "other"] {
            document
                .edit(&[Command::Add(name.into(), store.clone())], "added")
                .unwrap();
        }
        let canvas = &document.topology().canvas;
        assert_eq!(canvas["store"], (790.0, 200.0));
        assert_ne!(canvas["other"], canvas["store"]);
    }

    #[test]
    fn new_nodes_leave_links_free() {
        let mut document = document();
        document.change("further", |topology| {
            topology.canvas.insert("api".into(), (1100.0, 200.0));
            topology.canvas.insert("lb".into(), (-200.0, 200.0));
            topology.canvas.insert("clients".into(), (300.0, -300.0));
        });
        // Beside the balancer is on the way to the service.
        let service = Command::Add("search".into(), Node::Service(Default::default()));
        let link = Command::Link("lb -> search".into());
        document.edit(&[service, link], "added").unwrap();
        let place = document.topology().canvas["search"];
        assert!(place.0 == 110.0 && place.1 > 250.0, "{place:?}");
    }

    #[test]
    fn placing_ends_wherever_the_others_are() {
        let store = ron_options().from_str::<Node>("RedisLike()").unwrap();
        for far in [
            1e10,
            -1e10,
            f32::MAX,
            f32::INFINITY,
            f32::NAN,
            1e6,
            -1e6,
            999_990.0,
        ] {
            let mut document = document();
            document.change("far", |topology| {
                for place in topology.canvas.values_mut() {
                    *place = (far, far);
                }
            });
            for i in 0..12 {
                let add = Command::Add(format!("store{i}"), store.clone());
                document.edit(&[add], "added").unwrap();
            }
            let added: Vec<(f32, f32)> = document
                .topology()
                .canvas
                .iter()
                .filter(|(name, _)| name.starts_with("store"))
                .map(|(_, place)| *place)
                .collect();
            for (i, a) in added.iter().enumerate() {
                assert!(a.0.abs() <= 1e6 && a.1.abs() <= 1e6, "{far}: {a:?}");
                for b in &added[..i] {
                    let apart = (a.0 - b.0).abs() >= 250.0 || (a.1 - b.1).abs() >= 130.0;
                    assert!(apart, "{far}: {a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn a_difference_leads_from_one_to_the_other() {
        let mut document = document();
        let before = document.topology().clone();
        let store = ron_options().from_str::<Node>("RedisLike()").unwrap();
        document
            .edit(
                &[
                    Command::Add("store".into(), store),
                    set("nodes.api.state", "External(store: \"store\")"),
                    set("nodes.api.instances", "6"),
                    set("sessions", "ServerSide(store: \"store\")"),
                    Command::Unlink("lb -> api".into()),
                    Command::Link("clients -> api".into()),
                    set("links.clients->api.latency", "5ms"),
                ],
                "much",
            )
            .unwrap();
        let after = document.topology().clone();
        for (from, to) in [(&before, &after), (&after, &before)] {
            let mut changed = from.clone();
            for command in difference(from, to) {
                changed.apply(&command).unwrap();
            }
            changed.canvas = to.canvas.clone();
            assert_eq!(changed, *to, "in order, too");
        }
        assert!(difference(&before, &before).is_empty());
    }

    #[test]
    fn a_session_becomes_a_scenario() {
        let document = document();
        let crash = Timed::At(Duration::from_secs(150.0), Command::Crash("api".into(), 2));
        let session = session_as_scenario(
            document.topology(),
            &[],
            std::slice::from_ref(&crash),
            Duration::from_secs(200.0),
        );
        assert_eq!(session.scenario, [crash]);
        assert_eq!(session.duration, Duration::from_secs(200.0));
    }

    #[test]
    fn a_session_says_again_what_its_file_says() {
        let text = r#"Topology(schema: 1, nodes: {"clients": Clients(), "lb": LoadBalancer(retries: 3), "api": Service(workers: 8)}, links: ["clients -> lb", "lb -> api"])"#;
        let document = Document::from_loaded(Loaded {
            path: None,
            name: "a".to_owned(),
            topology: file::read(text, "a.ron").unwrap(),
            text: text.to_owned(),
        });
        let session = session_as_scenario(document.topology(), &[], &[], Duration::from_secs(9.0));
        let written = document.text_of(&session);
        for explicit in ["retries: 3", "workers: 8"] {
            assert!(written.contains(explicit), "{written}");
            assert!(!file::write(&session).contains(explicit));
        }
    }
}
