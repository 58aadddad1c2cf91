//! The program `statescope`.

use std::process::ExitCode;

use statescope::cli::Window;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[cfg(feature = "gui")]
const WINDOW: Option<&Window> = Some(&Window {
    open: statescope::app::open_window,
    picture: |topology| statescope::app::panes::canvas::png(topology, false),
});
#[cfg(not(feature = "gui"))]
const WINDOW: Option<&Window> = None;

fn main() -> ExitCode {
    statescope::cli::main(WINDOW)
}
