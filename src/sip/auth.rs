//! Digest authentication of requests (RFC 7616, RFC 8760), server side.
//! It must never tell which part of a credential was wrong.
