//! Locks that a thread which panicked leaves as they were.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks; what a panic left behind is used as it is.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
