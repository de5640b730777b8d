//! How connections of the client come about: within the time that their request has, and known to it.
//! It must never outlast the limit of the request that wanted the connection.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;
use tower::{Layer, Service};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// For a connection that no request waits for any more.
const DEFAULT_LIMIT: Duration = Duration::from_secs(5);

tokio::task_local! {
    /// The request on whose behalf this task acts. The client makes connections within the request's own future.
    static DIALLER: Dialler;
}

/// No connection came about in time.
#[derive(Debug, thiserror::Error)]
#[error("no connection within {} ms", .0.as_millis())]
pub(super) struct ConnectTimeout(pub Duration);

/// How far a request is on its way to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It needs no connection of its own so far: one of an earlier request may serve.
    Idle,
    /// Its connection is being made.
    Connecting,
    /// Its connection stands.
    Connected,
}

/// A request that may need a connection.
#[derive(Clone, Debug)]
pub(super) struct Dialler {
    limit: Duration,
    phase: watch::Sender<Phase>,
}

impl Dialler {
    /// One that waits so long for a connection.
    pub fn new(limit: Duration) -> Self {
        Self { limit, phase: watch::Sender::new(Phase::Idle) }
    }

    /// Runs a request on its behalf.
    pub async fn run<T>(&self, request: impl Future<Output = T>) -> T {
        DIALLER.scope(self.clone(), request).await
    }

    /// Whether the request had a connection made, rather than one of an earlier request.
    pub fn has_dialled(&self) -> bool {
        *self.phase.borrow() != Phase::Idle
    }

    /// Ends when nothing has come for `limit`, not counting the time in which its connection was being made.
    pub async fn silence(&self, limit: Duration) {
        let mut phase = self.phase.subscribe();
        loop {
            let now = *phase.borrow_and_update();
            let changed = phase.changed();
            // The sender is this very value: a change cannot fail to come because it is gone.
            let is_over = match now {
                Phase::Connecting => changed.await.is_err(),
                Phase::Idle | Phase::Connected => tokio::time::timeout(limit, changed).await.is_err(),
            };
            if is_over {
                return;
            }
        }
    }
}

/// Wraps the connector of a client so that each connection has the limit of its request, which learns of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limited;

impl<S> Layer<S> for Limited {
    type Service = LimitedConnector<S>;

    fn layer(&self, inner: S) -> Self::Service {
        LimitedConnector(inner)
    }
}

/// A connector with the limit of the request that it connects for.
#[derive(Clone, Debug)]
pub(super) struct LimitedConnector<S>(S);

impl<S, R> Service<R> for LimitedConnector<S>
where
    S: Service<R, Error = BoxError>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, target: R) -> Self::Future {
        let dialler = DIALLER.try_with(Clone::clone).unwrap_or_else(|_| Dialler::new(DEFAULT_LIMIT));
        dialler.phase.send_replace(Phase::Connecting);
        let connection = self.0.call(target);
        Box::pin(async move {
            let connected = tokio::time::timeout(dialler.limit, connection).await;
            dialler.phase.send_replace(Phase::Connected);
            connected.unwrap_or_else(|_| Err(ConnectTimeout(dialler.limit).into()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn silence_is_counted_from_the_moment_in_which_the_connection_stands() {
        let dialler = Dialler::new(Duration::from_secs(5));
        let began = tokio::time::Instant::now();
        let connecting = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            dialler.phase.send_replace(Phase::Connecting);
            tokio::time::sleep(Duration::from_secs(3)).await;
            dialler.phase.send_replace(Phase::Connected);
        };
        tokio::join!(connecting, dialler.silence(Duration::from_millis(500)));
        assert_eq!(began.elapsed(), Duration::from_millis(3_510));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_needs_no_connection_is_silent_from_its_beginning() {
        let dialler = Dialler::new(Duration::from_secs(5));
        let began = tokio::time::Instant::now();
        dialler.silence(Duration::from_millis(500)).await;
        assert_eq!(began.elapsed(), Duration::from_millis(500));
        assert!(!dialler.has_dialled());
    }
}
