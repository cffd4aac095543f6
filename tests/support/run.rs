//! A program that runs while the test goes on.

use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, Instant};

use super::Outcome;

/// Far more than anything takes that these tests wait for.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that runs, and is ended with the test at the latest.
#[derive(Debug)]
pub(crate) struct Run(Option<Child>);

impl Run {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(Some(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"))))
    }

    /// Sends it a signal: `INT`, `KILL`.
    pub(crate) fn signal(&mut self, name: &str) {
        signal(self.child(), name);
    }

    /// Its number on this machine.
    pub(crate) fn id(&mut self) -> u32 {
        self.child().id()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child().try_wait().expect("its state").is_some()
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn end(mut self) -> Outcome {
        until("the program ends", || self.has_ended());
        let child = self.0.take().expect("a child");
        child.wait_with_output().expect("its output").into()
    }

    fn child(&mut self) -> &mut Child {
        self.0.as_mut().expect("a child that nobody has taken yet")
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(mut child) = self.0.take() {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Sends a child a signal: `INT`, `KILL`.
pub(crate) fn signal(child: &Child, name: &str) {
    let kill = Command::new("kill").args([format!("-{name}"), child.id().to_string()]).status();
    assert!(kill.expect("kill").success());
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl FnMut() -> bool) {
    within(PATIENCE, what, is_so);
}

/// Waits until something is so, and not longer than that.
#[track_caller]
pub(crate) fn within(patience: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + patience;
    while !is_so() {
        assert!(Instant::now() < end, "{patience:?} are over, and still not: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}
