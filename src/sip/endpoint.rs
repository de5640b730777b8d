//! One pure machine for a shard: datagrams to transactions, requests to the owners of dialogs.
//! It must never touch a socket or a clock.
