//! Webhooks: documents, sounds and callbacks over HTTP, as the receivers of the original expect them.
//! It must never reach an address that the destination policy refuses, nor wait or read without a bound.

mod client;
mod cookies;
pub mod document;
mod error;
mod request;

pub use client::{Account, Webhooks};
pub use cookies::Cookies;
pub use error::{WebhookError, code};
pub use request::{Content, Media, Reply, Request, resolve, shown};
