//! The sockets that a node listens at: those of an earlier process or new ones; each is left with the keeper.
//! It must never take up a socket that is bound elsewhere, nor fail a call because nobody keeps its ports.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};

use trunkline_media::port::{Custody, Lease, PortPair};

use crate::keeper::{Inherited, Keeper};

/// The sockets of the start.
pub(super) struct Sockets<'a> {
    pub keeper: &'a Keeper,
    pub inherited: &'a mut Inherited,
}

impl Sockets<'_> {
    /// The socket of an earlier process for this address, else a new one.
    ///
    /// # Errors
    /// There was none, and the address is not to be had.
    pub fn open<S: AsFd>(
        &mut self,
        kind: &str,
        address: SocketAddr,
        adopt: impl FnOnce(OwnedFd) -> io::Result<S>,
        bind: impl FnOnce() -> io::Result<S>,
    ) -> io::Result<S> {
        let name = format!("{kind}/{address}");
        if let Some(socket) = self.inherited.take(&name) {
            match adopt(socket) {
                Ok(socket) => return Ok(socket),
                Err(error) => {
                    tracing::warn!(%name, %error, "the socket of an earlier process is of no use");
                    self.keeper.forget(&name);
                }
            }
        }
        let socket = bind()?;
        self.keeper.keep(&name, &socket);
        Ok(socket)
    }
}

/// Leaves the media ports with the keeper for as long as they are leased.
pub(super) struct MediaCustody(pub Keeper);

/// The names of a lease's sockets at the keeper: RTP, RTCP.
pub(super) fn media_names(lease: &Lease) -> [String; 2] {
    [format!("rtp/{}", lease.rtp()), format!("rtcp/{}", lease.rtcp())]
}

impl Custody for MediaCustody {
    fn leased(&self, lease: &Lease, sockets: &PortPair) {
        if self.0.is_there() {
            let names = media_names(lease);
            names
                .iter()
                .zip([&sockets.rtp, &sockets.rtcp])
                .for_each(|(name, socket)| self.0.keep(name, socket));
        }
    }

    fn released(&self, lease: &Lease) {
        if self.0.is_there() {
            media_names(lease).iter().for_each(|name| self.0.forget(name));
        }
    }
}
