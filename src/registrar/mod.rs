//! Bindings of softphones: where a user can be reached, until when (RFC 3261 §10).
//! The rules are pure; the table is shared and must never be locked across a send or an await.
