//! What a file says explicitly, though it equals a default: saving says it again.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::place::Places;

/// The paths of everything that a file's text names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(BTreeSet<String>);

/// While settings are written: what to keep, and where in the original they stood.
struct Keeping {
    paths: BTreeSet<String>,
    here: String,
}

thread_local! {
    static KEEPING: RefCell<Option<Keeping>> = const { RefCell::new(None) };
}

impl Written {
    /// What the text of a file names.
    pub fn of(text: &str) -> Self {
        Self(Places::new(text).paths())
    }

    /// Whether it names what is at the path.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains(path)
    }

    /// Runs `write`, in which settings that were named below `path` are written though they equal their defaults.
    pub fn keeping<T>(&self, path: &str, write: impl FnOnce() -> T) -> T {
        struct Restore(Option<Keeping>);
        impl Drop for Restore {
            fn drop(&mut self) {
                KEEPING.set(self.0.take());
            }
        }
        let below = format!("{path}.");
        let paths = self
            .0
            .range(below.clone()..)
            .take_while(|path| path.starts_with(&below))
            .cloned()
            .collect();
        let _restore = Restore(KEEPING.replace(Some(Keeping {
            paths,
            here: path.to_owned(),
        })));
        write()
    }
}

/// Whether a field of the group that is being written is written though it equals its default.
pub(crate) fn kept(field: &str) -> bool {
    KEEPING.with_borrow(|keeping| {
        keeping
            .as_ref()
            .is_some_and(|keeping| keeping.paths.contains(&format!("{}.{field}", keeping.here)))
    })
}

/// Runs `write` for what is inside a field of the group that is being written.
pub(crate) fn under_field<T>(field: &str, write: impl FnOnce() -> T) -> T {
    let length = KEEPING.with_borrow_mut(|keeping| {
        keeping.as_mut().map(|keeping| {
            let length = keeping.here.len();
            keeping.here.push('.');
            keeping.here.push_str(field);
            length
        })
    });
    let result = write();
    if let Some(length) = length {
        KEEPING.with_borrow_mut(|keeping| {
            if let Some(keeping) = keeping {
                keeping.here.truncate(length);
            }
        });
    }
    result
}
