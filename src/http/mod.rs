//! The web server: recordings, metrics, health. Edge.
//! It must never show a recording to a stranger, wait for a slow peer, or take part in a call.

mod auth;
mod connections;
mod error;
mod ops;
mod range;
mod recordings;
mod sound;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::future::Future;
use std::io;
use std::net::{IpAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::KeepAlive;
use actix_web::{App, FromRequest, Handler, HttpServer, Resource, Responder, web};

use self::connections::Connections;
use self::error::Failure;
use crate::config::{self, Credentials};
use crate::ids::RecordingSid;

/// From the connection to the end of the request's head.
const HEAD: Duration = Duration::from_secs(5);

/// How long a peer may take to close its side.
const GOODBYE: Duration = Duration::from_secs(2);

/// Seconds that transfers under way get when the server stops.
const LAST_BYTES: u64 = 1;

/// Bytes of a request's body: nothing here takes one.
const BODY: usize = 1_024;

/// Something that takes a moment to find out.
pub type Answer<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What the web server shows.
pub trait Shown: Send + Sync + 'static {
    /// The account and its secret.
    fn credentials(&self) -> &Credentials;

    /// Whether a host is of our own networks: it may see metrics without a password.
    fn is_local(&self, host: IpAddr) -> bool;

    /// The file of a finished recording. Blocks.
    ///
    /// # Errors
    /// The disk says no.
    fn recording(&self, sid: RecordingSid) -> io::Result<Option<File>>;

    /// All metrics, in the text format of Prometheus.
    fn metrics(&self) -> Answer<'_, String>;

    /// Whether the process turns.
    fn is_alive(&self) -> Answer<'_, bool>;

    /// Why no calls are taken; empty while they are.
    fn reasons(&self) -> Answer<'_, Vec<String>>;
}

/// What handlers share.
struct Desk {
    shown: Arc<dyn Shown>,
    public_recordings: bool,
}

/// A resource that can only be read.
fn readable<F, Args>(path: &str, handler: F) -> Resource
where
    F: Handler<Args, Output: Responder + 'static> + Clone,
    Args: FromRequest + 'static,
{
    web::resource(path)
        .route(web::get().to(handler.clone()))
        .route(web::head().to(handler))
        .default_service(web::to(Failure::not_allowed))
}

/// A running web server.
pub struct WebServer {
    handle: ServerHandle,
}

impl WebServer {
    /// Serves what arrives at `listener`. To be called on an actix system.
    ///
    /// # Errors
    /// The socket or the server's thread is not to be had.
    pub fn start(listener: TcpListener, settings: &config::Http, shown: Arc<dyn Shown>) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let desk = web::Data::new(Desk { shown, public_recordings: settings.public_recordings });
        let connections = Connections::new(settings.per_source);
        let app = move || {
            App::new()
                .app_data(desk.clone())
                .app_data(web::PayloadConfig::new(BODY))
                .configure(ops::routes)
                .configure(recordings::routes)
                .default_service(web::to(Failure::nothing_here))
        };
        let server = HttpServer::new(app)
            .workers(1)
            .max_connections(settings.connections)
            .client_request_timeout(HEAD)
            .client_disconnect_timeout(GOODBYE)
            // Only the first head of a connection has a deadline, so there is no second one.
            .keep_alive(KeepAlive::Disabled)
            .shutdown_timeout(LAST_BYTES)
            .disable_signals()
            .on_connect(move |stream, extensions| connections.greet(stream, extensions))
            .listen(listener)?
            .run();
        let handle = server.handle();
        actix_rt::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the web server has ended");
            }
        });
        Ok(Self { handle })
    }

    /// A second way to it, for whoever lets it rest.
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Takes no more requests, and gives those under way a moment.
    pub async fn stop(&self) {
        self.handle.stop(true).await;
    }
}
