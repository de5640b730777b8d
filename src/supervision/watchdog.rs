//! The watchdog: each arbiter ticks, a plain thread looks whether it still does.
//! Must never wait for an arbiter: it only reads what the arbiter last wrote.

/// Names what runs on a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(u32);

pub(super) fn label(_name: &'static str) -> Label {
    Label(0)
}

pub(super) struct Span;
pub(super) fn running(_label: Label) -> Span {
    Span
}
