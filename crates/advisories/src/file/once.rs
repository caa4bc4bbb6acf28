//! A value that the first who asks for it makes, while others who ask wait.
//!
//! Unlike `OnceLock` alone, making may fail; a failure is not kept, whoever asks next meets it again.

use std::sync::{Mutex, OnceLock, PoisonError};

/// Made at most once.
#[derive(Debug)]
pub(super) struct Once<T> {
    made: OnceLock<T>,
    making: Mutex<()>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self {
            made: OnceLock::new(),
            making: Mutex::new(()),
        }
    }
}

impl<T> Once<T> {
    /// Whether it is there.
    pub(super) fn is_made(&self) -> bool {
        self.made.get().is_some()
    }

    /// The value, made now if it is not there.
    pub(super) fn get_or_make<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<&T, E> {
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        // The lock guards nothing but the work, so that who panicked inside leaves nothing half made.
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = self.made.get() {
            return Ok(made);
        }
        make().map(|made| self.made.get_or_init(|| made))
    }
}

#[cfg(test)]
mod tests {
    use super::Once;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_failure_is_met_again_and_a_value_made_once() {
        let once = Once::default();
        assert_eq!(once.get_or_make(|| Err("damaged")), Err::<&u8, _>("damaged"));
        assert!(!once.is_made());
        let made = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let value = once.get_or_make(|| {
                        made.fetch_add(1, Ordering::Relaxed);
                        Ok::<_, &str>(7)
                    });
                    assert_eq!(value, Ok(&7));
                });
            }
        });
        assert_eq!(made.load(Ordering::Relaxed), 1);
    }
}
