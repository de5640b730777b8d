//! The validators of the official Python and Node clients, installed once below the target folder with the package
//! managers that their users use. Nothing here may judge by itself: only what they say counts.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

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
fn once(folder: &Path, what: &str, install: impl FnOnce()) {
    let marker = folder.join(what);
    if !marker.exists() {
        install();
        std::fs::write(marker, "").expect("written");
    }
}

/// What the Python client says of `{"token", "requests": [{"url", "form", "signature"}]}`: a list of verdicts.
pub fn python(input: &str) -> String {
    let folder = folder("python-client");
    once(&folder, PYTHON_CLIENT, || {
        // Not a virtual environment: Debian has those in a package of their own.
        let pip =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps"];
        run(Command::new("python3").args(pip).arg("--target").arg(&folder).arg(PYTHON_CLIENT), "");
    });
    run(Command::new("python3").args(["-c", PYTHON]).env("PYTHONPATH", folder), input)
}

/// As [`python`], by the Node client.
pub fn node(input: &str) -> String {
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
