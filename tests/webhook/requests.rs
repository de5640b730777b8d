//! What receivers see: parameters, headers, cookies, redirects, tries, and connections that are used again.

use std::sync::atomic::{AtomicUsize, Ordering};

use trunkline::twiml::document::Context;
use trunkline::webhook::Content;

use crate::server::{Act, Server, answer, get, post, twiml, webhooks};

const CALL: [(&str, &str); 3] = [("CallSid", "CA1"), ("From", "sip:alice@h"), ("Digits", "")];

#[tokio::test]
async fn a_post_and_a_get_look_as_receivers_know_them() {
    let server = Server::start(|_| Act::Say(twiml("<Hangup/>"))).await;
    let webhooks = webhooks();
    let url = server.url("/voice?x=1#rc=2&ct=900");
    for request in [post(url.clone(), &CALL), get(url, &CALL)] {
        let reply = webhooks.fetch(request).await.expect("a document");
        assert_eq!(reply.content, Content::Twiml("<Response><Hangup/></Response>".into()));
        assert_eq!((reply.status, reply.findings.len()), (200, 0));
        assert_eq!(reply.url, server.url("/voice?x=1"));
    }
    let [post, get] = &server.seen()[..] else { panic!("two requests") };
    assert_eq!((post.method.as_str(), post.target.as_str()), ("POST", "/voice?x=1"));
    assert_eq!(post.body, "CallSid=CA1&From=sip%3Aalice%40h&Digits=");
    assert_eq!(post.header("content-type"), Some("application/x-www-form-urlencoded; charset=UTF-8"));
    assert_eq!((get.method.as_str(), get.body.as_str()), ("GET", ""));
    assert_eq!(get.target, "/voice?x=1&CallSid=CA1&From=sip%3Aalice%40h&Digits=");
    assert_eq!(get.header("content-type"), None);
    let host = server.address.to_string();
    for seen in [post, get] {
        for (name, value) in [
            ("user-agent", "TwilioProxy/1.1"),
            ("accept", "*/*"),
            ("host", host.as_str()),
            ("i-twilio-idempotency-token", "5f3f1d3e-5f2c-4a5b-9c8f-1a2b3c4d5e6f"),
        ] {
            assert_eq!(seen.header(name), Some(value), "{name}");
        }
        assert_eq!(seen.header("x-twilio-signature").map(str::len), Some(28));
        assert_eq!((seen.header("cookie"), seen.header("referer")), (None, None));
    }
    assert_eq!((post.connection, get.connection), (1, 1), "the connection is used again");
}

#[tokio::test]
async fn a_document_that_leads_to_itself_by_get_is_asked_with_the_parameters_of_this_step_only() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/old?x=1&Digits=0" => Act::Say(answer("307 Elsewhere", "Location: /voice?y=2\r\n", "")),
        _ => Act::Say(twiml("<Gather method=\"GET\"/>")),
    })
    .await;
    let webhooks = webhooks();
    let mut url = server.url("/old?x=1");
    for digits in ["0", "1", "2"] {
        url = webhooks.fetch(get(url, &[("Digits", digits)])).await.expect("a document").url;
        assert_eq!(url, server.url("/voice?y=2"));
    }
    let targets: Vec<String> = server.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(
        targets,
        ["/old?x=1&Digits=0", "/voice?y=2", "/voice?y=2&Digits=1", "/voice?y=2&Digits=2"],
        "a redirect says itself what it wants to be told"
    );
    let error = webhooks.fetch(get("http://10.0.0.1/voice?x=1", &CALL)).await.expect_err("forbidden");
    assert_eq!(error.url, "http://10.0.0.1/voice?x=1");
}

#[tokio::test]
async fn user_and_password_of_a_url_become_basic_authorization() {
    let server = Server::start(|_| Act::Say(twiml(""))).await;
    let url = server.url("/").replace("http://", "http://alice:p%40ss@");
    let reply = webhooks().fetch(post(url, &[])).await.expect("a document");
    assert!(reply.url.contains("alice:p%40ss@"), "what is relative to it is asked for with the same");
    // base64 of alice:p@ss
    assert_eq!(server.seen()[0].header("authorization"), Some("Basic YWxpY2U6cEBzcw=="));
}

#[tokio::test]
async fn cookies_come_back_to_the_host_that_set_them() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/login" => Act::Say(answer("302 Found", "Set-Cookie: step=1\r\nLocation: /voice\r\n", "")),
        "/voice" => Act::Say(answer(
            "200 OK",
            "Content-Type: text/xml\r\nSet-Cookie: sid=abc; Path=/; HttpOnly\r\nSet-Cookie: safe=1; Secure\r\n",
            "<Response/>",
        )),
        _ => Act::Say(twiml("")),
    })
    .await;
    let webhooks = webhooks();
    let reply = webhooks.fetch(post(server.url("/login"), &CALL)).await.expect("a document");
    let mut next = post(server.url("/next"), &CALL);
    next.cookies = reply.cookies.clone();
    webhooks.fetch(next).await.expect("a document");
    let mut stranger = post(server.url("/next").replace("127.0.0.1", "localhost"), &CALL);
    stranger.cookies = reply.cookies;
    drop(webhooks.fetch(stranger).await);
    let cookies: Vec<_> = server.seen().iter().map(|seen| seen.header("cookie").map(str::to_owned)).collect();
    assert_eq!(cookies[..3], [None, Some("step=1".to_owned()), Some("step=1; sid=abc".to_owned())]);
    assert!(cookies.get(3).is_none_or(Option::is_none), "another name is another host: {cookies:?}");
}

#[tokio::test]
async fn redirects_are_followed_and_each_hop_is_signed_anew() {
    let server = Server::start(|seen| match seen.target.split('/').next_back().unwrap_or_default() {
        "end" => Act::Say(twiml("")),
        status => Act::Say(answer(&format!("{status} Elsewhere"), "Location: ./end#rc=5\r\n", "moved")),
    })
    .await;
    for (status, method, body) in [
        ("301", "GET", ""),
        ("302", "GET", ""),
        ("303", "GET", ""),
        ("307", "POST", "A=1"),
        ("308", "POST", "A=1"),
    ] {
        let before = server.seen().len();
        let reply = webhooks().fetch(post(server.url(&format!("/{status}")), &[("A", "1")])).await;
        assert_eq!(reply.expect("a document").url, server.url("/end"));
        let [first, second] = &server.seen()[before..] else { panic!("two requests") };
        assert_eq!((second.method.as_str(), second.body.as_str()), (method, body), "{status}");
        let of = |name: &str| (first.header(name).is_some(), first.header(name) == second.header(name));
        assert_eq!(of("x-twilio-signature"), (true, false), "another URL has another signature");
        assert_eq!(of("i-twilio-idempotency-token"), (true, true));
    }
}

#[tokio::test]
async fn a_request_is_tried_again_as_its_url_says_with_the_same_token() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 | 1 => Act::Say(answer("503 Busy", "", "")),
        2 => Act::Hang(Vec::new()),
        _ => Act::Say(twiml("")),
    })
    .await;
    let request = post(server.url("/#rc=3&rp=5xx,rt&rt=150"), &[("A", "1")]);
    assert_eq!(webhooks().fetch(request).await.expect("the fourth try").status, 200);
    let seen = server.seen();
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|seen| seen.body == "A=1"));
    let tokens: Vec<_> = seen.iter().map(|seen| seen.header("i-twilio-idempotency-token")).collect();
    assert!(tokens[0].is_some() && tokens.iter().all(|token| token == &tokens[0]));
}

#[tokio::test]
async fn without_a_word_nothing_but_a_failed_connection_is_tried_again() {
    let server = Server::start(|_| Act::Say(answer("503 Busy", "", ""))).await;
    let error = webhooks().fetch(post(server.url("/"), &[])).await.expect_err("busy");
    assert_eq!((error.code, error.status, server.seen().len()), (11_217, Some(503), 1));
}

#[tokio::test]
async fn by_default_a_connection_that_fails_is_tried_once_more_and_not_where_the_url_forbids_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let webhooks = webhooks();
    let error = webhooks.fetch(post(format!("http://{address}/#rc=0"), &[])).await.expect_err("nobody");
    assert_eq!(error.code, 11_202);
    // The receiver comes up while the second try is waited for, which is 50 ms at least.
    let late = async {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        Server::start_at(address, |_| Act::Say(twiml(""))).await
    };
    let (reply, server) = tokio::join!(webhooks.fetch(post(format!("http://{address}/"), &[])), late);
    assert_eq!((reply.map(|reply| reply.status), server.seen().len()), (Ok(200), 1));
}

#[tokio::test]
async fn a_connection_that_the_server_closed_meanwhile_costs_no_call_and_a_new_one_no_second_try() {
    let server = Server::start(|seen| match (seen.target.as_str(), seen.connection) {
        ("/first", _) | ("/again", 2) => Act::Say(twiml("")),
        _ => Act::Close(Vec::new()),
    })
    .await;
    let webhooks = webhooks();
    for target in ["/first", "/again"] {
        webhooks.fetch(post(server.url(target), &[("A", "1")])).await.expect(target);
    }
    let ways: Vec<_> =
        server.seen().into_iter().map(|seen| (seen.target, seen.connection, seen.body)).collect();
    let way = |target: &str, connection| (target.to_owned(), connection, "A=1".to_owned());
    assert_eq!(ways, [way("/first", 1), way("/again", 1), way("/again", 2)]);
    let other = Server::start(|_| Act::Close(Vec::new())).await;
    let error = webhooks.fetch(post(other.url("/"), &[])).await.expect_err("closed");
    assert_eq!((error.code, other.seen().len()), (11_205, 1));
}

#[tokio::test]
async fn bad_overrides_are_told_and_do_no_harm() {
    let server = Server::start(|_| Act::Say(twiml("<Hangup/>"))).await;
    let fetched = webhooks()
        .document(post(server.url("/#ct=1&rp=never&e=mars"), &[]), Context::Main)
        .await
        .expect("a document");
    let codes: Vec<u32> = fetched.document.warnings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [11_243, 11_243, 11_240]);
}

#[tokio::test]
async fn a_callback_is_posted_and_only_its_status_counts() {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/missing" => Act::Say(answer("404 Not Found", "", "nothing here")),
        "/slow" => Act::Hang(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec()),
        _ => Act::Say(answer("204 No Content", "", "")),
    })
    .await;
    let webhooks = webhooks();
    for (path, status) in [("/", 204), ("/missing", 404), ("/slow", 200), ("/", 204)] {
        assert_eq!(webhooks.post(post(server.url(path), &CALL)).await, Ok(status), "{path}");
    }
    let connections: Vec<usize> = server.seen().iter().map(|seen| seen.connection).collect();
    assert_eq!(connections, [1, 1, 1, 2], "read to its end an answer leaves a connection behind");
}
