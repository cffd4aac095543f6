//! Ctrl-C: the first asks the run to stop at its next step, the second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::error::{Failure, Status};

/// `timeout` and some CI runners signal a process and then its whole group: one wish, not two.
const ONE_WISH: Duration = Duration::from_millis(500);

/// Whether a person asked the run to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens for SIGINT and SIGTERM from now on.
    pub fn listen() -> Result<Self> {
        let interrupt = Self::default();
        let happened = Arc::clone(&interrupt.0);
        let mut signals = Signals::new([SIGINT, SIGTERM]).context("could not listen for Ctrl-C")?;
        thread::spawn(move || {
            let mut first = None;
            for signal in signals.forever() {
                happened.store(true, Ordering::Relaxed);
                if first.get_or_insert_with(Instant::now).elapsed() > ONE_WISH {
                    // Ends the process as if nobody had listened.
                    let _ = emulate_default_handler(signal);
                }
            }
        });
        Ok(interrupt)
    }

    /// Whether it happened.
    #[must_use]
    pub fn happened(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Fails once it happened.
    ///
    /// # Errors
    /// With the exit code of an interrupted run.
    pub fn check(&self) -> Result<()> {
        if self.happened() { Err(Failure::new(Status::Interrupted, "interrupted").into()) } else { Ok(()) }
    }
}
