//! Webhooks: documents, sounds and callbacks over HTTP, as the receivers of the original expect them.
//! It must never reach an address that the destination policy refuses, nor wait or read without a bound.

mod body;
mod cache;
mod client;
mod connector;
mod content;
mod cookies;
pub mod document;
mod error;
mod exchange;
mod failure;
mod hop;
mod hosts;
mod media;
mod overrides;
mod policy;
mod request;
mod resolver;
mod signature;

pub use client::{Account, Webhooks};
pub use cookies::Cookies;
pub use error::{WebhookError, code};
pub use overrides::LONGEST;
pub use policy::authority;
pub use request::{Content, Media, Reply, Request, resolve, shown};
