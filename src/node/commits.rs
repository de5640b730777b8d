//! Commit before outputs, against the death of the process: what an arbiter's machines committed since the last time goes to
//! the journal as one batch, and only then leaves what waited for it.
//! It must never wait for a disk, and never let anything leave before what it tells of is written.
//!
//! A batch is what happens until the arbiter has nothing else to do: a message that makes five machines move is one
//! batch. Whatever dies in the middle of one takes all of it along: nobody outside has heard of it.

use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::oneshot;

use super::cell::{self, Cell};
use super::changes::{Key, VERSION};
use super::records::{CallLog, Records};
use crate::ids::CallId;
use crate::journal::{Change, Journal, Stamp};
use crate::sip::flow::Flow;

/// Parts of one event log in the journal; past them it is written anew as one.
const PARTS: u32 = 64;

/// The journal of an arbiter, and what waits for its next batch.
#[derive(Default)]
pub(super) struct Commits {
    journal: Option<Journal>,
    /// Records that nobody knows any more.
    stale: Vec<Arc<str>>,
    held: Vec<Held>,
    is_due: bool,
}

/// What leaves after the commit.
enum Held {
    /// A message to the network.
    Message(Flow, Bytes),
    /// A task that tells somebody outside.
    Task(oneshot::Sender<()>),
}

impl Commits {
    pub fn new(journal: Option<Journal>) -> Self {
        Self { journal, ..Self::default() }
    }

    /// Ends the journal without losing anything: another process goes on with it.
    pub fn close(&mut self, stamp: Stamp) {
        if let Some(journal) = self.journal.take() {
            journal.close(stamp);
        }
    }

    /// Goes on with a journal after all.
    pub fn reopen(&mut self, journal: Journal) {
        self.journal = Some(journal);
    }

    /// Has the journal forget records that lead nowhere any more.
    pub fn forget(&mut self, stale: Vec<Arc<str>>) {
        self.stale.extend(stale);
    }
}

impl Cell {
    /// Sends a message to the network once everything that is committed by now is written.
    pub(super) fn transmit(&self, flow: Flow, bytes: Bytes) {
        self.commits.borrow_mut().held.push(Held::Message(flow, bytes));
        self.commit_soon();
    }

    /// Comes when everything is written that is committed by now.
    pub(super) fn written(&self) -> impl Future<Output = ()> + 'static {
        let (reply, written) = oneshot::channel();
        self.commits.borrow_mut().held.push(Held::Task(reply));
        self.commit_soon();
        async move { drop(written.await) }
    }

    /// Something was committed: it is written as soon as the arbiter has done what it has to do now.
    pub(super) fn commit_soon(&self) {
        if std::mem::replace(&mut self.commits.borrow_mut().is_due, true) {
            return;
        }
        cell::spawn(async {
            tokio::task::yield_now().await;
            if let Some(cell) = Cell::present() {
                cell.commit_now();
            }
        });
    }

    /// Writes what is committed, and lets go what waited for that.
    pub(super) fn commit_now(self: &Rc<Self>) {
        self.commits.borrow_mut().is_due = false;
        let batch = self.batch();
        if let (Some(journal), false) = (&mut self.commits.borrow_mut().journal, batch.is_empty()) {
            journal.append(batch, self.house.stamp());
        }
        let held = std::mem::take(&mut self.commits.borrow_mut().held);
        for held in held {
            match held {
                Held::Message(flow, bytes) => self.send(&flow, &bytes),
                // One that is gone meanwhile waits for nothing.
                Held::Task(reply) => drop(reply.send(())),
            }
        }
    }

    /// What has changed since the last batch, as it is now.
    fn batch(&self) -> Vec<Change> {
        let mut records = self.records.borrow_mut();
        let keys = records.changes.take();
        if self.commits.borrow().journal.is_none() {
            records.lines.clear();
            return Vec::new();
        }
        let stale = std::mem::take(&mut self.commits.borrow_mut().stale);
        // What is written under the same name after that counts.
        let mut batch: Vec<Change> =
            stale.into_iter().map(|key| Change::Gone { key: (*key).into() }).collect();
        for key in keys {
            batch.extend(self.change(&records, key));
        }
        records.write_lines(&mut batch);
        batch
    }

    fn change(&self, records: &Records, key: Key) -> Option<Change> {
        let value = match &key {
            Key::Call(call) => records.calls.get(call).map(encoded),
            Key::Leg(leg) => records.legs.get(leg).map(encoded),
            Key::Script(leg) => records.scripts.get(leg).map(encoded),
            Key::Outbox(call) => records.outboxes.get(call).map(encoded),
            Key::Shard(part) => records.shard.get(part).map(encoded),
            Key::Admitted(leg) => self.admitted.borrow().key(*leg).map(encoded),
            Key::Account(leg) => records.accounts.get(leg).map(encoded),
            Key::User(user) => Some(encoded(&self.house.telephones_of(user))),
            // Parts of logs are only given up here; sessions have a journal of their own.
            Key::Log(..) | Key::Session(_) => None,
        };
        change(&key, value)
    }
}

/// The telephones of a user, as they were known at some time: every arbiter writes those that it has registered.
#[derive(Clone, Debug, Default, Serialize, serde::Deserialize)]
pub(super) struct Telephones {
    /// Of two records of a user the one with the higher number holds.
    pub revision: u64,
    pub bindings: crate::registrar::Bindings,
}

impl Records {
    /// Adds what is new in the event logs.
    fn write_lines(&mut self, batch: &mut Vec<Change>) {
        for (call, lines) in std::mem::take(&mut self.lines) {
            let Some(log) = self.logs.get(&call) else { continue };
            let parts = self.parts.entry(call).or_default();
            if *parts < PARTS {
                batch.extend(put_log(call, *parts, &lines));
                *parts += 1;
            } else {
                batch.extend(put_log(call, 0, log));
                batch.extend((1..*parts).filter_map(|part| change(&Key::Log(call, part), None)));
                *parts = 1;
            }
        }
    }
}

fn put_log(call: CallId, part: u32, log: &CallLog) -> Option<Change> {
    change(&Key::Log(call, part), Some(encoded(log)))
}

/// What the journal is told: the record, or that it is gone. `None`: it cannot be written, and what was written stays.
pub(super) fn change(key: &Key, value: Option<Result<Vec<u8>, Unwritable>>) -> Option<Change> {
    let name = key.text();
    match value {
        Some(Ok(value)) => Some(Change::Put { key: name, version: VERSION, value }),
        None => Some(Change::Gone { key: name }),
        Some(Err(error)) => {
            tracing::error!(record = %name, %error, "a record cannot be written down");
            None
        }
    }
}

/// A value of ours cannot be said in the journal's notation.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unwritable(String);

/// A record as it is written: with the names of its fields (design §2).
pub(super) fn encoded<T: Serialize>(record: &T) -> Result<Vec<u8>, Unwritable> {
    let mut bytes = Vec::with_capacity(2_048);
    ciborium::into_writer(record, &mut bytes).map_err(|error| Unwritable(error.to_string()))?;
    Ok(bytes)
}
