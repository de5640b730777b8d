//! Our signatures in the eyes of the official clients: what they would refuse, no customer's application would take.
//! Nothing here may know how a signature is made.

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::server::{Act, Seen, Server, TOKEN, get, post, twiml, webhooks};
use crate::validators::{node, python};

/// A request as an application sees it: it knows its own URL only from the Host header and the request line.
fn seen(seen: &Seen) -> Value {
    let url = format!("http://{}{}", seen.header("host").expect("a host"), seen.target);
    let mut form = serde_json::Map::new();
    for (name, value) in form_urlencoded::parse(seen.body.as_bytes()) {
        let values = form.entry(name).or_insert_with(|| json!([]));
        values.as_array_mut().expect("a list").push(json!(value));
    }
    json!({ "url": url, "form": form, "signature": seen.header("x-twilio-signature") })
}

/// Requests of every kind, as a server saw them.
async fn requests() -> Vec<Value> {
    let server = Server::start(|seen| match seen.target.as_str() {
        "/moved" => Act::Say(crate::server::answer("307 Moved", "Location: /here?a=b%20c\r\n", "")),
        _ => Act::Say(twiml("")),
    })
    .await;
    let call = [
        ("To", "sip:100@example.com"),
        ("CallSid", "CA1"),
        ("from", "lower case comes last"),
        ("From", "+49 30 123"),
        ("Digits", ""),
        ("CallerName", "Zoë “Z” O'Neill & Söhne 🎺 100%+\r\n\tx=y"),
        ("Tag", "b"),
        ("Tag", "a"),
        ("Tag", "b"),
    ];
    let webhooks = webhooks();
    let basic = server.url("/basic").replace("http://", "http://user:pa%3Ass@");
    for request in [
        post(server.url(""), &call),
        post(server.url("/voice?x=1&y=%C3%A9&y=2#rc=3"), &call),
        post(server.url("/pfad mit ä/?q=a b"), &call),
        post(basic, &call),
        post(server.url("/nothing-to-say"), &[]),
        post(server.url("/moved"), &call),
        get(server.url("/voice?x=1#rc=3"), &call),
        get(server.url("/voice"), &[]),
    ] {
        webhooks.fetch(request).await.expect("a document");
    }
    server.seen().iter().map(seen).collect()
}

#[tokio::test]
async fn the_official_clients_accept_every_request_and_none_that_was_changed_on_its_way() {
    let good = requests().await;
    assert_eq!(good.len(), 9);
    let mut changed: Vec<Value> = good
        .iter()
        .map(|request| {
            let mut request = request.clone();
            request["form"]["Digits"] = json!(["1"]);
            request
        })
        .collect();
    changed.extend(good.iter().map(|request| {
        let mut request = request.clone();
        request["url"] = json!(format!("{}x", request["url"].as_str().expect("text")));
        request
    }));
    let case = |token: &str, requests: &[Value]| json!({ "token": token, "requests": requests }).to_string();
    for validate in [python as fn(&str) -> String, node] {
        let verdicts =
            |case: String| -> Vec<bool> { serde_json::from_str(&validate(&case)).expect("verdicts") };
        assert_eq!(verdicts(case(TOKEN, &good)), vec![true; good.len()]);
        assert_eq!(verdicts(case(TOKEN, &changed)), vec![false; changed.len()]);
        assert_eq!(verdicts(case("another", &good)), vec![false; good.len()]);
    }
}
