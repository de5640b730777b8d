//! What operators' tools ask: `/health`, `/ready`, `/metrics`.
//! It must never say that calls are taken when they are not.

use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::json;

use super::error::Failure;
use super::{Desk, readable};

/// The text format of Prometheus.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn routes(app: &mut web::ServiceConfig) {
    app.service(readable("/health", health))
        .service(readable("/ready", ready))
        .service(readable("/metrics", metrics));
}

/// Whether the process turns: what is to be restarted otherwise.
async fn health(desk: web::Data<Desk>) -> HttpResponse {
    if desk.shown.is_alive().await {
        HttpResponse::Ok().json(json!({ "status": "alive" }))
    } else {
        HttpResponse::ServiceUnavailable().json(json!({ "status": "stuck" }))
    }
}

/// Whether calls are taken: where none are to be sent otherwise.
async fn ready(desk: web::Data<Desk>) -> HttpResponse {
    let reasons = desk.shown.reasons().await;
    if reasons.is_empty() {
        HttpResponse::Ok().json(json!({ "status": "ready" }))
    } else {
        HttpResponse::ServiceUnavailable().json(json!({ "status": "not ready", "reasons": reasons }))
    }
}

/// What a proxy says of whom it asks for (RFC 7239 §4, and what was usual before it).
const FORWARDED: [&str; 2] = ["forwarded", "x-forwarded-for"];

/// How the switch does, in numbers: for our own networks, and for whoever knows the password. Behind a proxy nobody can
/// be told from our own networks.
async fn metrics(desk: web::Data<Desk>, request: HttpRequest) -> Result<HttpResponse, Failure> {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let is_forwarded = FORWARDED.iter().any(|name| request.headers().contains_key(*name));
    if is_forwarded || !peer.is_some_and(|peer| desk.shown.is_local(peer)) {
        desk.authenticate(&request)?;
    }
    Ok(HttpResponse::Ok().content_type(EXPOSITION).body(desk.shown.metrics().await))
}
