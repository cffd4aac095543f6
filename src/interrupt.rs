//! Ctrl-C: the first asks the run to stop at its next step, the second ends the process at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::error::{Failure, Status};

/// Whether a person asked the run to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens for SIGINT and SIGTERM from now on.
    pub fn listen() -> Result<Self> {
        let interrupt = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // In this order, so that the first signal only sets the flag.
            flag::register_conditional_shutdown(signal, Status::Interrupted.code(), interrupt.0.clone())
                .and_then(|_| flag::register(signal, interrupt.0.clone()))
                .context("could not listen for Ctrl-C")?;
        }
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
