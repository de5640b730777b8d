//! The panic fence: runs foreign code, turns a panic into a value and tells it once, with its place.
//! Must never let a panic through, and never print a backtrace for one that it caught.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;
use std::task::Poll;

/// Longest panic text that is kept, in bytes.
const TEXT_LIMIT: usize = 512;

thread_local! {
    static FENCED: Cell<bool> = const { Cell::new(false) };
    /// Where the panic that is being caught on this thread arose.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic that was caught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caught {
    /// What it said.
    pub text: String,
    /// Source file, line and column, where known.
    pub place: Option<String>,
}

impl fmt::Display for Caught {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.text, self.place.as_deref().unwrap_or("unknown place"))
    }
}

/// Awaits `work`, in which a panic becomes a value: whoever waits for what comes of it has to be answered.
///
/// # Errors
/// It panicked; it does not run again.
pub async fn fenced<T>(work: impl Future<Output = T>) -> Result<T, Caught> {
    quiet_hook();
    let mut work = Some(Box::pin(work));
    poll_fn(|task| {
        let polled = guard(|| work.as_mut().map_or(Poll::Pending, |work| work.as_mut().poll(task)));
        polled.map_or_else(
            |caught| {
                // What is left of it may panic as it goes; it has been told already.
                drop(guard(|| drop(work.take())));
                Poll::Ready(Err(caught))
            },
            |poll| poll.map(Ok),
        )
    })
    .await
}

/// Runs `code`; a panic in it becomes a value.
pub(super) fn guard<T>(code: impl FnOnce() -> T) -> Result<T, Caught> {
    let outer = FENCED.replace(true);
    // The caller drops or replaces whatever `code` touched: nothing half-changed is used again.
    let result = catch_unwind(AssertUnwindSafe(code));
    FENCED.set(outer);
    result.map_err(|payload| {
        let caught = Caught { text: text_of(payload.as_ref()), place: PLACE.take() };
        // A payload is foreign code too: its destructor may panic.
        if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(second);
        }
        caught
    })
}

/// Whether the code that runs now is behind the fence.
pub(super) fn is_up() -> bool {
    FENCED.get()
}

/// Installs, once per process, the panic hook that stays silent for panics that a fence catches. All
/// others go to the hook that was there before.
pub(super) fn quiet_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = take_hook();
        set_hook(Box::new(move |info| {
            if !noted(info) {
                previous(info);
            }
        }));
    });
}

/// Keeps the place of a fenced panic. A second one while the first unwinds is not noted: it is about to
/// end the process, which has to be seen.
fn noted(info: &PanicHookInfo<'_>) -> bool {
    let fenced = FENCED.try_with(Cell::get).unwrap_or(false);
    let place = info.location().map_or_else(|| "unknown place".to_owned(), ToString::to_string);
    fenced && PLACE.try_with(|slot| slot.borrow_mut().replace(place).is_none()).unwrap_or(false)
}

fn text_of(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without text");
    let end = (0..=TEXT_LIMIT.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_text_and_its_place() {
        quiet_hook();
        let caught = guard(|| panic!("poison {}", 7)).expect_err("it panics");
        assert_eq!(caught.text, "poison 7");
        assert!(caught.place.expect("the hook noted it").contains("fence.rs"));
        assert_eq!(guard(|| 3), Ok(3));
        assert!(guard(|| guard(is_up) == Ok(true) && is_up()).expect("no panic") && !is_up());
    }

    #[tokio::test]
    async fn a_task_that_panics_between_two_waits_is_answered_and_one_that_does_not_gives_what_it_has() {
        let caught = fenced(async {
            tokio::task::yield_now().await;
            panic!("poison");
        });
        let caught: Result<(), Caught> = caught.await;
        assert!(caught.expect_err("it panics").to_string().starts_with("poison at src/supervision/fence.rs"));
        assert_eq!(fenced(async { tokio::task::yield_now().await }).await, Ok(()));
        assert!(!is_up());
    }

    #[tokio::test]
    async fn what_a_task_leaves_behind_when_it_panics_may_panic_too() {
        struct Bomb;
        impl Future for Bomb {
            type Output = ();
            fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<()> {
                panic!("first")
            }
        }
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("second");
            }
        }
        assert_eq!(fenced(Bomb).await.expect_err("it panics").text, "first");
    }

    #[test]
    fn a_long_panic_text_is_cut_at_a_character() {
        let caught = guard(|| std::panic::panic_any("ü".repeat(TEXT_LIMIT))).expect_err("it panics");
        assert_eq!(caught.text.len(), TEXT_LIMIT);
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_caught_too() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("second");
            }
        }
        let caught = guard(|| std::panic::panic_any(Bomb)).expect_err("it panics");
        assert_eq!(caught.text, "a panic without text");
    }
}
