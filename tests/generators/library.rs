//! The official libraries that make documents: installed once below the target folder, then asked for all they can make.
//! Must never pass by a library that cannot be had: that is a failure that names the command.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A document that a library made.
pub struct Sample {
    /// The elements from below `<Response>` to the one that is looked at: `Dial/Number`.
    pub path: String,
    /// Its one attribute; none for an element without any, `*` for all at once.
    pub attribute: Option<String>,
    /// The attribute's value, as it was given to the library.
    pub value: Value,
    /// The attribute that stands beside it, where it says nothing alone.
    pub beside: Option<String>,
    /// The document.
    pub xml: String,
}

/// What the library for Python makes.
pub fn python() -> Vec<Sample> {
    let folder = installed("requirements.txt", |manifest, folder| {
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-input",
            "--no-deps",
        ]);
        pip.arg("--target").arg(folder).arg("--requirement").arg(manifest);
        pip
    });
    let mut make = Command::new("python3");
    make.arg(here("make.py")).arg(here("samples.json")).env("PYTHONPATH", folder);
    samples(&mut make)
}

/// What the library for Node makes.
pub fn node() -> Vec<Sample> {
    let folder = installed("package.json", |_, folder| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts"]);
        npm.arg("--prefix").arg(folder);
        npm
    });
    let mut make = Command::new("node");
    make.arg(here("make.mjs")).arg(here("samples.json")).arg(folder);
    samples(&mut make)
}

fn here(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/generators").join(file)
}

/// Where the library that `manifest` pins is installed: it is if the same manifest lies there, which comes last.
fn installed(manifest: &str, install: impl Fn(&Path, &Path) -> Command) -> PathBuf {
    let source = here(manifest);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("generators-{manifest}"));
    let wanted = fs::read(&source).expect("the manifest");
    if fs::read(folder.join("installed")).is_ok_and(|found| found == wanted) {
        return folder;
    }
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder below target");
    fs::copy(&source, folder.join(manifest)).expect("the manifest's copy");
    run(&mut install(&source, &folder));
    fs::write(folder.join("installed"), wanted).expect("the mark");
    folder
}

fn samples(make: &mut Command) -> Vec<Sample> {
    let output = run(make);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines().map(|line| sample(line).unwrap_or_else(|| panic!("not a sample: {line}"))).collect()
}

fn sample(line: &str) -> Option<Sample> {
    let line: Value = serde_json::from_str(line).ok()?;
    Some(Sample {
        path: line.get("path")?.as_str()?.to_owned(),
        attribute: line.get("attribute")?.as_str().map(str::to_owned),
        value: line.get("value")?.clone(),
        beside: line.get("beside")?.as_str().map(str::to_owned),
        xml: line.get("xml")?.as_str()?.to_owned(),
    })
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| {
        panic!(
            "{command:?}: {error}; these tests need python3 with pip, and node with npm (see the Makefile)"
        )
    });
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{told}", output.status);
    output
}
