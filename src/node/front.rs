//! What the web server shows of a node: its recordings, how it does, and whether it takes calls.
//! It must never let whoever asks wait for an arbiter that is stuck.

use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use super::admission::TOO_LATE;
use super::arbiter::Post;
use super::control::Desk;
use super::house::House;
use super::metrics::{Present, Process};
use crate::config::Credentials;
use crate::http::{Answer, Shown};
use crate::ids::RecordingSid;

/// A node as seen through the web server.
pub(super) struct Front {
    house: Arc<House>,
    /// The arbiters, once all have started.
    posts: OnceLock<Vec<Post>>,
    started_us: u64,
}

impl Front {
    pub fn of(house: Arc<House>) -> Self {
        Self { started_us: house.clock.wall(), house, posts: OnceLock::new() }
    }

    /// The node has started.
    pub fn open(&self, posts: Vec<Post>) {
        // A second start there is not.
        let _ = self.posts.set(posts);
    }

    /// How long each arbiter takes to answer; `None`: it does not.
    async fn lags(&self) -> Vec<Option<Duration>> {
        let mut lags = Vec::new();
        for post in self.posts.get().into_iter().flatten() {
            let asked = self.house.clock.now();
            let answer = post.ask(|_| ()).await;
            lags.push(answer.map(|()| self.house.clock.now().since(asked)));
        }
        lags
    }

    fn obstacles(&self, lags: &[Option<Duration>]) -> Vec<String> {
        let settings = self.house.settings();
        let (load, limits) = (&self.house.load, &settings.config.limits);
        let engine = &self.house.engine;
        let is_late = lags.iter().any(|lag| lag.is_none_or(|lag| lag > TOO_LATE));
        let ports = self.house.config.media.ports.pairs();
        let reasons = [
            (self.posts.get().is_none(), "starting"),
            (load.closing.load(Ordering::Relaxed), "stopping"),
            (self.house.drain().is_some(), "draining"),
            (is_late, "signalling does not keep up"),
            (engine.alive() < engine.workers(), "a media worker is gone"),
            (load.calls.load(Ordering::Relaxed) >= limits.calls, "limits.calls is reached"),
            (load.legs.load(Ordering::Relaxed) >= limits.legs, "limits.legs is reached"),
            (self.house.ports.leased() >= ports, "media.ports are used up"),
            (self.house.recordings.census().is_full, "the disk of the recordings is nearly full"),
        ];
        reasons.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason.to_owned()).collect()
    }
}

impl Shown for Front {
    fn credentials(&self) -> &Credentials {
        &self.house.credentials
    }

    fn is_local(&self, host: IpAddr) -> bool {
        self.house.settings().config.is_local(host)
    }

    fn recording(&self, sid: RecordingSid) -> io::Result<Option<File>> {
        self.house.recordings.open(sid)
    }

    fn metrics(&self) -> Answer<'_, String> {
        Box::pin(async {
            let lags = self.lags().await;
            let is_ready = self.obstacles(&lags).is_empty();
            let posts = self.posts.get().cloned().unwrap_or_default();
            let census = Desk::new(self.house.clone(), posts).census().await;
            let process = tokio::task::spawn_blocking(Process::read).await.unwrap_or_default();
            let lags = lags.into_iter().map(|lag| lag.unwrap_or(Post::PATIENCE)).collect();
            let present = Present { census, process, lags, is_ready, started_us: self.started_us };
            self.house.metrics.scrape(&self.house, &present)
        })
    }

    fn is_alive(&self) -> Answer<'_, bool> {
        Box::pin(async { self.lags().await.iter().all(Option::is_some) })
    }

    fn reasons(&self) -> Answer<'_, Vec<String>> {
        Box::pin(async { self.obstacles(&self.lags().await) })
    }
}
