//! Ctrl-C and SIGTERM: the first stops the run at its next step, the second ends the process at once. Both are passed
//! on to the commands that run.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::error::{Failure, Status};
use crate::lock::lock;

/// `timeout` and some CI runners signal a process and then its whole group. Signals this close together count once.
const COUNT_ONCE: Duration = Duration::from_millis(500);

/// Whether a person has stopped the run, and the commands to which the signal is passed.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    happened: AtomicBool,
    groups: Mutex<BTreeSet<u32>>,
    /// Commands that have the terminal, and so their own Ctrl-C.
    at_terminal: Mutex<BTreeSet<u32>>,
}

/// A command that gets this process's signals for as long as this value lives.
#[derive(Debug)]
pub struct PassedOn {
    shared: Arc<Shared>,
    group: u32,
}

impl Drop for PassedOn {
    fn drop(&mut self) {
        lock(&self.shared.groups).remove(&self.group);
        lock(&self.shared.at_terminal).remove(&self.group);
    }
}

impl Interrupt {
    /// Listens for SIGINT and SIGTERM from now on.
    pub fn listen() -> Result<Self> {
        let interrupt = Self::default();
        let shared = Arc::clone(&interrupt.0);
        let mut signals = Signals::new([SIGINT, SIGTERM]).context("could not listen for Ctrl-C")?;
        thread::spawn(move || {
            let mut first = None;
            for signal in signals.forever() {
                let at_terminal = lock(&shared.at_terminal).clone();
                if signal == SIGINT && !at_terminal.is_empty() {
                    // It means what has the terminal, for which it may be no reason to end.
                    continue;
                }
                shared.happened.store(true, Ordering::Relaxed);
                let is_second = first.get_or_insert_with(Instant::now).elapsed() > COUNT_ONCE;
                for process in at_terminal {
                    signal_process(process, Signal::TERM);
                }
                for group in lock(&shared.groups).iter() {
                    signal_group(*group, if signal == SIGINT { Signal::INT } else { Signal::TERM });
                }
                if is_second {
                    // Ends the process as if there were no handler.
                    let _ = emulate_default_handler(signal);
                }
            }
        });
        Ok(interrupt)
    }

    /// Passes signals on to the process group of a command, also one that came just before it was started.
    #[must_use]
    pub fn pass_on_to(&self, group: u32) -> PassedOn {
        lock(&self.0.groups).insert(group);
        if self.happened() {
            signal_group(group, Signal::INT);
        }
        PassedOn { shared: Arc::clone(&self.0), group }
    }

    /// Leaves Ctrl-C to a command that shares the terminal with this process, and passes SIGTERM on to it.
    #[must_use]
    pub fn leave_ctrl_c_to(&self, process: u32) -> PassedOn {
        lock(&self.0.at_terminal).insert(process);
        if self.happened() {
            signal_process(process, Signal::TERM);
        }
        PassedOn { shared: Arc::clone(&self.0), group: process }
    }

    /// Whether it happened.
    #[must_use]
    pub fn happened(&self) -> bool {
        self.0.happened.load(Ordering::Relaxed)
    }

    /// Fails once it happened.
    ///
    /// # Errors
    /// With the exit code of an interrupted run.
    pub fn check(&self) -> Result<()> {
        if self.happened() { Err(Failure::new(Status::Interrupted, "interrupted").into()) } else { Ok(()) }
    }
}

/// Sends a signal to every process of a group; one that has ended needs none.
pub(crate) fn signal_group(group: u32, signal: Signal) {
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, signal);
    }
}

/// Sends a signal to a process; one that has ended needs none.
pub(crate) fn signal_process(process: u32, signal: Signal) {
    if let Some(process) = i32::try_from(process).ok().and_then(Pid::from_raw) {
        let _ = kill_process(process, signal);
    }
}
