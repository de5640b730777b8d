//! The actor of one UDP socket: reads datagrams and hands each to the shard that owns its Call-ID.
//! It must never read more of a message than its Call-ID.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::house::House;
use super::shard_actor::{Datagram, ShardActor, ShardMail};
use crate::ids::shard_of;
use crate::sip::flow::Flow;
use crate::sip::message::call_id_of;
use crate::sip::transport::{Arrival, Udp};
use crate::supervision::Handle;

/// Reads one socket.
pub(super) struct Listener {
    socket: Arc<Udp>,
    house: Arc<House>,
    shards: Arc<[Handle<ShardActor>]>,
}

impl Listener {
    pub fn new(socket: Arc<Udp>, house: Arc<House>, shards: Arc<[Handle<ShardActor>]>) -> Self {
        Self { socket, house, shards }
    }
}

impl Actor for Listener {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let (house, shards, local) = (Arc::clone(&self.house), Arc::clone(&self.shards), self.socket.local());
        let read = Arc::clone(&self.socket).run(move |arrival| steer(arrival, local, &house, &shards));
        ctx.spawn(read.into_actor(self).map(move |ended, _, ctx| {
            tracing::error!(%local, ?ended, "a socket failed and is opened again by its supervisor");
            ctx.terminate();
        }));
    }
}

/// Hands what arrived to its shard. A full shard sheds it: SIP over UDP is repeated by its sender.
fn steer(arrival: Arrival, local: std::net::SocketAddr, house: &House, shards: &[Handle<ShardActor>]) {
    match arrival {
        Arrival::Datagram { bytes, remote } => {
            let shard = shards.get(shard_of(call_id_of(&bytes).unwrap_or_default(), shards.len()));
            let flow = Flow::udp(local, remote);
            let datagram = Datagram { bytes, flow, arrived: house.clock.now() };
            if shard.is_none_or(|shard| shard.try_send(datagram).is_err()) {
                house.load.shed.fetch_add(1, Ordering::Relaxed);
            }
        }
        Arrival::Unreachable { remote, error } => {
            tracing::debug!(%remote, %error, "a peer cannot be reached");
            for shard in shards {
                if let Err(error) = shard.try_send(ShardMail::Unreachable(remote)) {
                    tracing::debug!(%error, "a shard was not told of it");
                }
            }
        }
    }
}
