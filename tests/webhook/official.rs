//! Our signatures in the eyes of the official clients: what they would refuse, no customer's application would take.
//! They are installed once, below the target folder, with the package managers that their users use.

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use url::form_urlencoded;

use crate::server::{Act, Seen, Server, TOKEN, get, post, twiml, webhooks};

const PYTHON_CLIENT: &str = "twilio==9.13.0";
const NODE_CLIENT: &str = "twilio@6.2.0";

const PYTHON: &str = r#"
import json, sys
from twilio.request_validator import RequestValidator

class Form(dict):
    def getlist(self, name):
        return self[name]

case = json.load(sys.stdin)
validator = RequestValidator(case["token"])
print(json.dumps([validator.validate(r["url"], Form(r["form"]), r["signature"]) for r in case["requests"]]))
"#;

const NODE: &str = r#"
const { validateRequest } = require("twilio");
const read = require("fs").readFileSync(0, "utf8");
const { token, requests } = JSON.parse(read);
console.log(JSON.stringify(requests.map((r) => validateRequest(token, r.signature, r.url, r.form))));
"#;

/// A folder of its own below the target folder, kept from run to run.
fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("official").join(name);
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

fn run(command: &mut Command, input: &str) -> String {
    let folder = folder("run");
    let path = folder.join(format!("{:?}.json", std::thread::current().id()));
    std::fs::write(&path, input).expect("written");
    let output = command.stdin(File::open(&path).expect("there")).stderr(Stdio::piped()).output();
    let output =
        output.unwrap_or_else(|error| panic!("{command:?}: {error}: `make test` installs what is missing"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// Installs, once, what a marker of this name stands for.
fn once(folder: &std::path::Path, what: &str, install: impl FnOnce()) {
    let marker = folder.join(what);
    if !marker.exists() {
        install();
        std::fs::write(marker, "").expect("written");
    }
}

fn python(input: &str) -> String {
    let folder = folder("python");
    let inside = |name: &str| folder.join("bin").join(name);
    once(&folder, PYTHON_CLIENT, || {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder), "");
        run(Command::new(inside("pip")).args(["install", "--quiet", PYTHON_CLIENT]), "");
    });
    run(Command::new(inside("python")).args(["-c", PYTHON]), input)
}

fn node(input: &str) -> String {
    let folder = folder("node");
    once(&folder, NODE_CLIENT, || {
        run(
            Command::new("npm")
                .args(["install", "--silent", "--no-audit", "--no-fund"])
                .arg("--prefix")
                .arg(&folder)
                .arg(NODE_CLIENT),
            "",
        );
    });
    run(Command::new("node").args(["-e", NODE]).current_dir(&folder), input)
}

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
