//! Work that was not saved, kept for the case that the window goes away without a word.
//!
//! Each window has a place of its own in a folder of the program's, held by a lock that ends with its process. A draft is
//! written there soon after each edit, on a thread of its own, as carefully as a saved file: whole or not at all; and the
//! one before it stays until the next. What an earlier window left is set apart before anything is written.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};

use crate::model::settings::ron_options;
use crate::model::{Topology, file};

/// As many windows at once keep drafts.
const PLACES: u32 = 32;

/// A draft as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The file that the work belongs to, if it has one.
    pub file: Option<PathBuf>,
    /// The text of the topology.
    pub text: String,
}

/// The place of this window, and the thread that writes there.
#[derive(Debug)]
pub struct Drafts {
    orders: Option<Sender<Order>>,
    errors: Receiver<String>,
    thread: Option<JoinHandle<()>>,
    found: Option<Draft>,
}

#[derive(Debug)]
enum Order {
    Write(Option<PathBuf>, Box<Topology>),
    /// Nothing is unsaved any more.
    Clear,
    /// What was found has been taken over or given up.
    Settled,
    /// Answered once everything before it has been done.
    Wait(Sender<()>),
}

/// Files of a place.
#[derive(Debug)]
struct Place {
    folder: PathBuf,
    number: u32,
    /// Held as long as the place is; the system lets go of it when the process ends, however it ends.
    _lock: File,
}

impl Place {
    /// The place of that number, unless another window has it.
    fn take(folder: &Path, number: u32) -> std::io::Result<Option<Self>> {
        let lock = File::create(folder.join(format!("draft-{number}.lock")))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self {
                folder: folder.to_owned(),
                number,
                _lock: lock,
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn path(&self, what: &str) -> PathBuf {
        self.folder.join(format!("draft-{}{what}.ron", self.number))
    }

    /// Sets apart what an earlier window left, and gives it.
    fn found(&self) -> Option<Draft> {
        let found = self.path("-found");
        for left in [self.path(""), self.path("-before")] {
            if let Some(draft) = read(&left)
                && fs::rename(&left, &found).is_ok()
            {
                // An older one must not take its place the next time.
                self.clear();
                return Some(draft);
            }
        }
        read(&found)
    }

    fn write(&self, draft: &Draft) -> std::io::Result<()> {
        let text = ron::to_string(draft).map_err(std::io::Error::other)?;
        let (now, before) = (self.path(""), self.path("-before"));
        if now.exists() {
            fs::rename(&now, before)?;
        }
        file::save(&now, &text)
    }

    fn clear(&self) {
        for what in ["", "-before"] {
            // It may not be there.
            let _ = fs::remove_file(self.path(what));
        }
    }
}

/// A draft that is whole.
fn read(path: &Path) -> Option<Draft> {
    let draft: Draft = ron_options()
        .from_str(&fs::read_to_string(path).ok()?)
        .ok()?;
    file::read(&draft.text, "unsaved work")
        .is_ok()
        .then_some(draft)
}

impl Drafts {
    /// Takes a place in a folder, one with a draft first.
    ///
    /// # Errors
    /// The folder cannot be made or written to, or the system has no thread left; then no drafts are kept.
    pub fn open(folder: &Path) -> std::io::Result<Self> {
        fs::create_dir_all(folder)?;
        let has_draft = |number: &u32| {
            ["", "-before", "-found"]
                .iter()
                .any(|what| folder.join(format!("draft-{number}{what}.ron")).exists())
        };
        let (with, without): (Vec<u32>, Vec<u32>) = (0..PLACES).partition(has_draft);
        for number in with.into_iter().chain(without) {
            if let Some(place) = Place::take(folder, number)? {
                return Self::at(place);
            }
        }
        Err(std::io::Error::other("too many windows are open"))
    }

    fn at(place: Place) -> std::io::Result<Self> {
        let found = place.found();
        let (orders, inbox) = mpsc::channel();
        let (told, errors) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("drafts".into())
            .spawn(move || serve(&place, &inbox, &told))?;
        Ok(Self {
            orders: Some(orders),
            errors,
            thread: Some(thread),
            found,
        })
    }

    /// What an earlier window left; the first call gives it.
    pub fn take_found(&mut self) -> Option<Draft> {
        self.found.take()
    }

    /// Keeps this work, in place of what was kept before.
    pub fn keep(&self, file: Option<PathBuf>, topology: Topology) {
        self.order(Order::Write(file, Box::new(topology)));
    }

    /// Nothing is unsaved any more.
    pub fn clear(&self) {
        self.order(Order::Clear);
    }

    /// What was found has been taken over: it is not offered again.
    pub fn settled(&self) {
        self.order(Order::Settled);
    }

    /// Why the last draft could not be written, told once.
    pub fn error(&self) -> Option<String> {
        self.errors.try_iter().last()
    }

    /// Waits until everything so far has been written.
    pub fn wait(&self) {
        let (answer, answered) = mpsc::channel();
        self.order(Order::Wait(answer));
        // Without a thread there is nothing to wait for.
        let _ = answered.recv();
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // Without its thread no draft is kept; that was told when it ended.
            let _ = orders.send(order);
        }
    }
}

impl Drop for Drafts {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // What was ordered is done first.
            let _ = thread.join();
        }
    }
}

fn serve(place: &Place, inbox: &Receiver<Order>, errors: &Sender<String>) {
    while let Ok(first) = inbox.recv() {
        // Of several drafts only the last is worth writing.
        let mut orders = vec![first];
        orders.extend(inbox.try_iter());
        let last = orders
            .iter()
            .rposition(|order| matches!(order, Order::Write(..) | Order::Clear));
        for (at, order) in orders.into_iter().enumerate() {
            match order {
                Order::Write(file, topology) if Some(at) == last => {
                    let text = file::write(&topology);
                    if let Err(error) = place.write(&Draft { file, text }) {
                        // The window may be gone.
                        let _ = errors.send(error.to_string());
                    }
                }
                Order::Clear if Some(at) == last => place.clear(),
                Order::Write(..) | Order::Clear => {}
                Order::Settled => {
                    let _ = fs::remove_file(place.path("-found")); // it may not be there
                }
                Order::Wait(answer) => drop(answer.send(())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::load;

    fn topology(instances: u32) -> Topology {
        let mut topology = load("sticky-in-memory").unwrap().topology;
        topology
            .set_path("nodes.api.instances", &instances.to_string())
            .unwrap();
        topology
    }

    fn found(folder: &Path) -> Option<Topology> {
        let draft = Drafts::open(folder).unwrap().take_found()?;
        Some(file::read(&draft.text, "draft").unwrap())
    }

    #[test]
    fn what_was_kept_last_is_found_until_it_is_settled() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(found(folder.path()), None);
        let drafts = Drafts::open(folder.path()).unwrap();
        drafts.keep(None, topology(5));
        drafts.wait();
        drafts.keep(Some("mine.ron".into()), topology(6));
        drop(drafts);
        assert_eq!(found(folder.path()), Some(topology(6)));
        // Looking at it does not take it away, and new work does not either.
        let mut drafts = Drafts::open(folder.path()).unwrap();
        assert_eq!(drafts.take_found().unwrap().file, Some("mine.ron".into()));
        drafts.keep(None, topology(7));
        drafts.clear();
        drop(drafts);
        assert_eq!(found(folder.path()), Some(topology(6)));
        let drafts = Drafts::open(folder.path()).unwrap();
        drafts.settled();
        drop(drafts);
        assert_eq!(found(folder.path()), None);
        let left = fs::read_dir(folder.path()).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert!(
            left.iter()
                .all(|name| name.to_string_lossy().ends_with(".lock")),
            "{left:?}"
        );
    }

    #[test]
    fn a_torn_draft_gives_way_to_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(folder.path()).unwrap();
        drafts.keep(None, topology(5));
        drafts.wait();
        drafts.keep(None, topology(6));
        drop(drafts);
        let now = folder.path().join("draft-0.ron");
        let whole = fs::read_to_string(&now).unwrap();
        fs::write(&now, &whole[..whole.len() / 2]).unwrap();
        assert_eq!(found(folder.path()), Some(topology(5)));
    }

    #[test]
    fn two_windows_do_not_write_over_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let one = Drafts::open(folder.path()).unwrap();
        let mut two = Drafts::open(folder.path()).unwrap();
        assert_eq!(two.take_found(), None);
        one.keep(None, topology(5));
        two.keep(None, topology(6));
        two.wait();
        drop(two);
        // The first still runs: what the second left is found beside it.
        let mut third = Drafts::open(folder.path()).unwrap();
        let text = third.take_found().unwrap().text;
        assert_eq!(file::read(&text, "draft").unwrap(), topology(6));
        drop(one);
    }
}
