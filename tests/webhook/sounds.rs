//! Sounds by URL: how they are asked for, what is taken for one, and when one that is known is asked for again.

use std::sync::atomic::{AtomicUsize, Ordering};

use trunkline::twiml::document::Context;
use trunkline::twiml::verb::Verb;
use trunkline::webhook::Webhooks;

use crate::server::{Act, Server, answer, post, webhooks};

const WAV: &str = "Content-Type: audio/x-wav\r\n";

#[tokio::test]
async fn a_sound_is_fetched_with_a_signed_get_and_no_parameters() {
    let server =
        Server::start(|_| Act::Say(answer("200 OK", "Content-Type: Audio/MPEG; x=1\r\n", "ID3"))).await;
    let media = webhooks().media(&server.url("/a.mp3?b=1#rc=0")).await.expect("a sound");
    assert_eq!((&media.bytes[..], media.kind.as_str()), (&b"ID3"[..], "audio/mpeg"));
    let seen = &server.seen()[0];
    assert_eq!((seen.method.as_str(), seen.target.as_str(), seen.body.as_str()), ("GET", "/a.mp3?b=1", ""));
    assert!(seen.header("x-twilio-signature").is_some());
    assert_eq!(seen.header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn what_is_no_sound_too_large_or_not_there_has_its_code() {
    let server = Server::start(|seen| {
        Act::Say(match seen.target.as_str() {
            "/page" => answer("200 OK", "Content-Type: text/html\r\n", "<html>"),
            "/untyped" => answer("200 OK", "", "RIFF"),
            "/missing" => answer("404 Not Found", WAV, ""),
            _ => format!("HTTP/1.1 200 OK\r\n{WAV}Content-Length: 99999999\r\n\r\n").into_bytes(),
        })
    })
    .await;
    for (path, code) in [("/page", 13_420), ("/untyped", 13_420), ("/missing", 11_217), ("/huge", 11_750)] {
        assert_eq!(webhooks().media(&server.url(path)).await.expect_err(path).code, code, "{path}");
    }
    assert_eq!(webhooks().media("music.mp3").await.expect_err("relative").code, 11_100);
}

#[tokio::test]
async fn a_known_sound_is_used_while_it_is_fresh_and_asked_about_afterwards() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |seen| {
        let content = format!("version {}", count.fetch_add(1, Ordering::Relaxed));
        Act::Say(match (seen.target.as_str(), seen.header("if-none-match")) {
            ("/fresh", _) => answer("200 OK", &format!("{WAV}Cache-Control: max-age=100\r\n"), content),
            ("/tagged", Some("\"v0\"")) => answer("304 Not Modified", "ETag: \"v0\"\r\n", ""),
            ("/tagged", _) => answer("200 OK", &format!("{WAV}ETag: \"v0\"\r\n"), "version 0"),
            ("/changing", _) => answer("200 OK", &format!("{WAV}ETag: \"{content}\"\r\n"), &content),
            _ => answer("200 OK", WAV, content),
        })
    })
    .await;
    let webhooks = webhooks();
    for (path, requests, is_same) in
        [("/fresh", 1, true), ("/tagged", 2, true), ("/changing", 2, false), ("/bare", 2, false)]
    {
        let before = server.seen().len();
        let first = webhooks.media(&server.url(path)).await.expect(path);
        let second = webhooks.media(&server.url(path)).await.expect(path);
        assert_eq!((server.seen().len() - before, first == second), (requests, is_same), "{path}");
    }
}

#[tokio::test]
async fn a_sound_that_is_dated_is_asked_about_by_its_date() {
    let date = "Wed, 01 Oct 2025 10:00:00 GMT";
    let server = Server::start(move |seen| match seen.header("if-modified-since") {
        Some(since) if since == date => Act::Say(answer("304 Not Modified", "", "")),
        _ => Act::Say(answer("200 OK", &format!("{WAV}Last-Modified: {date}\r\n"), "RIFF")),
    })
    .await;
    let webhooks = webhooks();
    for _ in 0..3 {
        assert_eq!(&webhooks.media(&server.url("/")).await.expect("a sound").bytes[..], b"RIFF");
    }
    assert_eq!(server.seen().len(), 3);
}

/// What a call hears whose document is asked for under this token, as the URL that its Play names.
async fn played(webhooks: &Webhooks, url: String, token: &str) -> String {
    let mut request = post(url, &[("CallSid", token)]);
    token.clone_into(&mut request.token);
    let fetched = webhooks.document(request, Context::Main).await.expect("a document");
    let [step] = &fetched.document.document.steps[..] else { panic!("one step") };
    let Verb::Play(play) = &step.verb else { panic!("{step:?}") };
    play.source.clone()
}

#[tokio::test]
async fn a_sound_in_place_of_a_document_is_what_that_call_hears_and_is_not_asked_for_again() {
    let server = Server::start(|seen| match seen.method.as_str() {
        "POST" => Act::Say(answer("200 OK", WAV, &seen.body)),
        _ => Act::Say(answer("405 Not Allowed", "", "")),
    })
    .await;
    let webhooks = webhooks();
    let alice = played(&webhooks, server.url("/voice?x=1#rc=0"), "alice").await;
    let bob = played(&webhooks, server.url("/voice?x=1#rc=0"), "bob").await;
    for (source, body) in [(&alice, "CallSid=alice"), (&bob, "CallSid=bob"), (&alice, "CallSid=alice")] {
        let media = webhooks.media(source).await.expect("a sound");
        assert_eq!((media.bytes, media.kind.as_str()), (body.into(), "audio/x-wav"));
    }
    assert_eq!(server.seen().len(), 2);
    // Whoever has forgotten it asks as for any other sound.
    let error = crate::server::webhooks().media(&alice).await.expect_err("not allowed");
    assert_eq!((error.status, error.url), (Some(405), server.url("/voice?x=1")));
}
