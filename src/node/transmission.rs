//! Messages on their way out: by their socket, by their connection, or by a new one where that is lost.
//! It must never wait, nor be led into the local networks by a peer outside.

use std::net::SocketAddr;

use bytes::Bytes;

use super::cell::{self, Cell};
use super::connection::Connection;
use super::shard_actor::ShardMail;
use crate::ops::log::Direction;
use crate::sip::flow::Flow;
use crate::sip::message::{Limits, Message, Request, Transport};
use crate::sip::transport::Hop;
use crate::sip::transport::connections::Way;

impl Cell {
    /// Sends a message to the network: at once, so that what it tells of has to be written already.
    pub(super) fn send(&self, flow: &Flow, bytes: &Bytes) {
        self.house.trace.message(Direction::Sent, flow, bytes);
        self.house.metrics.sent(bytes);
        match flow.transport {
            Transport::Udp => match self.house.socket(flow) {
                Some(socket) => drop(socket.send(flow.remote, bytes)),
                None => tracing::warn!(local = %flow.local, "no socket for a flow"),
            },
            Transport::Tcp | Transport::Tls if self.house.connections.offer(flow, bytes.clone()) => {}
            Transport::Tcp | Transport::Tls if flow.connection.is_none() => {
                self.connect(flow, bytes.clone(), None);
            }
            Transport::Tcp | Transport::Tls => self.send_elsewhere(flow, bytes),
            ref other => {
                tracing::warn!(transport = %other, "a transport that is not ours");
                self.flow_failed(flow);
            }
        }
    }

    /// The connection is lost: a message goes by the one that its telephone has made since, or by a new one to where
    /// the message says. The dialog never notices.
    fn send_elsewhere(&self, lost: &Flow, bytes: &Bytes) {
        let Ok(message) = Message::parse(bytes.clone(), &Limits::NONE) else { return };
        if let Message::Request(request) = &message
            && let Some(present) = self.present_flow(request)
            && present.transport == lost.transport
            && self.house.connections.offer(&present, bytes.clone())
        {
            return;
        }
        let Some(hop) = Hop::of_lost(&message, lost) else { return self.flow_failed(lost) };
        if let Some(address) = hop.address() {
            return self.send_to(&hop, address, lost, bytes.clone());
        }
        let (lost, bytes) = (lost.clone(), bytes.clone());
        cell::spawn(async move {
            let found = hop.resolve().await;
            let Some(cell) = Cell::present() else { return };
            match found.ok().and_then(|found| found.first().copied()) {
                Some(address) => cell.send_to(&hop, address, &lost, bytes),
                None => cell.flow_failed(&lost),
            }
        });
    }

    /// By which flow the telephone is registered now that a request of ours is for, if the leg is one of a user.
    fn present_flow(&self, request: &Request) -> Option<Flow> {
        let records = self.records.borrow();
        let user = records.leg_that_sends(request)?.owner()?;
        self.house.registrar.flow_of(user, request.uri(), self.now())
    }

    fn send_to(&self, hop: &Hop, address: SocketAddr, lost: &Flow, bytes: Bytes) {
        let addresses = &self.house.addresses;
        // What a peer writes into Contact must not lead us where the peer itself could not go.
        let is_trap = addresses.is_inside(address.ip()) && !addresses.is_inside(lost.remote.ip());
        match self.house.flow_to(&hop.transport, address, hop.name()).filter(|_| !is_trap) {
            Some(flow) => self.connect(&flow, bytes, Some(lost)),
            None => self.flow_failed(lost),
        }
    }

    /// Sends by the connection to where `flow` leads, and opens it if there is none.
    fn connect(&self, flow: &Flow, bytes: Bytes, instead_of: Option<&Flow>) {
        let failed = instead_of.unwrap_or(flow);
        match self.house.connections.to(flow) {
            Ok(Way::There(link)) if link.offer(bytes.clone()) => {}
            Ok(Way::There(_)) => self.flow_failed(failed),
            Ok(Way::New(place)) => {
                place.link().offer(bytes);
                let Some(arbiters) = self.actors.borrow().arbiters.clone() else { return };
                let instead_of = instead_of.cloned();
                arbiters.start(Connection::dialled(place, instead_of, &self.house, &arbiters));
            }
            Err(refusal) => {
                tracing::warn!(remote = %flow.remote, reason = %refusal, "no connection is made");
                self.flow_failed(failed);
            }
        }
    }

    /// Nothing can be sent by this flow: its requests fail at once, and its telephones are not called any more.
    fn flow_failed(&self, flow: &Flow) {
        self.house.registrar.flow_failed(flow);
        let shard = self.actors.borrow().shard.clone();
        let told = shard.map(|shard| shard.try_send(ShardMail::Lost(Box::new(flow.clone()))));
        if let Some(Err(error)) = told {
            // Its timers tell it in the end.
            tracing::debug!(%error, "the shard was not told that a flow failed");
        }
    }
}
