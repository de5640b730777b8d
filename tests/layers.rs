//! The layers of the design, read from the imports: a module may name its own layer and those below it.
//! Nothing here is decided by the code under test: the table below is the design.

#[path = "layers/source.rs"]
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use source::Source;

/// Modules of the switch and their layer. The longest matching name counts. Upwards is forbidden.
const LAYERS: &[(&str, u8)] = &[
    ("main", 5),
    ("node", 5),
    ("supervision::tree", 5),
    ("api", 4),
    ("http", 4),
    ("ledger", 4),
    ("ops::admin", 4),
    ("ops::control", 4),
    ("ops::print", 4),
    ("ops::sheet", 4),
    ("ops::top", 4),
    ("cli", 5),
    ("call", 3),
    ("leg", 3),
    ("trunk", 3),
    ("registrar", 3),
    ("recording", 3),
    ("sip::transport", 2),
    ("sip::shard", 2),
    ("webhook", 2),
    ("callbacks", 2),
    ("speech", 2),
    ("journal", 2),
    ("journal::change", 0),
    ("journal::frame", 0),
    ("journal::image", 0),
    ("journal::stamp", 0),
    ("keeper", 2),
    ("cluster", 2),
    ("store::adapter", 2),
    ("config::files", 2),
    ("supervision", 1),
    ("ops", 1),
    ("store", 1),
    ("sip", 0),
    ("twiml", 0),
    ("routing", 0),
    ("config", 0),
    ("ids", 0),
    ("recorded", 0),
    ("fault", 0),
    ("media", 0),
    ("media::port", 2),
];

/// Layer 3 meets as messages; only a call knows its legs.
const SIBLINGS: &[(&str, &str)] = &[("call", "leg")];

/// Names that no pure module may use: they bring a runtime, a socket, a clock, chance, a lock or the machine in.
const IMPURE: &[&str] = &[
    "tokio",
    "actix",
    "actix_rt",
    "rand",
    "getrandom",
    "nix",
    "socket2",
    "dashmap",
    "arc_swap",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "Instant",
    "SystemTime",
    "Mutex",
    "RwLock",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
];

/// Only these name the actor framework's layer and above.
const ACTORS: &[&str] = &["actix", "actix_rt"];

/// Lines in a file, with its tests.
const LONGEST_FILE: usize = 600;

/// Files by their path from the root of the repository.
type Tree = BTreeMap<String, String>;

#[derive(Debug)]
struct Module<'t> {
    file: &'t str,
    /// Empty for the root of the switch.
    path: Vec<String>,
    text: &'t str,
}

impl Module<'_> {
    fn of<'t>(file: &'t str, text: &'t str) -> Option<Module<'t>> {
        let (root, inside) = match file.strip_prefix("media/src/") {
            Some(inside) => (Some("media"), inside),
            None => (None, file.strip_prefix("src/")?),
        };
        let mut path: Vec<String> = root.into_iter().map(str::to_owned).collect();
        path.extend(inside.strip_suffix(".rs")?.split('/').map(str::to_owned));
        if path.last().is_some_and(|last| last == "mod" || last == "lib") {
            path.pop();
        }
        Some(Module { file, path, text })
    }

    fn is_media(&self) -> bool {
        self.path.first().is_some_and(|first| first == "media")
    }

    /// The module or item that a path means here, from the root of the switch; none for a foreign crate.
    fn resolve(&self, named: &[String], modules: &BTreeSet<Vec<String>>) -> Option<Vec<String>> {
        let mut from = self.path.clone();
        let mut rest = named;
        match named.first()?.as_str() {
            "crate" => {
                from.truncate(usize::from(self.is_media()));
                rest = &named[1..];
            }
            "trunkline" => return Some(named[1..].to_vec()),
            "trunkline_media" => {
                return Some(["media".to_owned()].into_iter().chain(named[1..].iter().cloned()).collect());
            }
            "self" => rest = &named[1..],
            "super" => {
                while rest.first().is_some_and(|first| first == "super") {
                    from.pop();
                    rest = &rest[1..];
                }
            }
            child => {
                let module: Vec<String> = from.iter().cloned().chain([child.to_owned()]).collect();
                if !modules.contains(&module) {
                    return None;
                }
            }
        }
        from.extend(rest.iter().cloned());
        Some(from)
    }
}

fn layer(path: &[String]) -> Option<u8> {
    if path.is_empty() {
        return Some(5); // the root only lists modules
    }
    LAYERS
        .iter()
        .map(|&(name, layer)| (name.split("::").collect::<Vec<_>>(), layer))
        .filter(|(name, _)| name.len() <= path.len() && name.iter().zip(path).all(|(a, b)| a == b))
        .max_by_key(|(name, _)| name.len())
        .map(|(_, layer)| layer)
}

/// Everything in the tree that breaks the design, as `file:line: what`.
fn breaches(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    let modules: Vec<Module> = tree.iter().filter_map(|(file, text)| Module::of(file, text)).collect();
    let names: BTreeSet<Vec<String>> = modules.iter().map(|module| module.path.clone()).collect();
    let sources: Vec<Source> = modules.iter().map(|module| Source::read(module.text)).collect();
    let tests: BTreeSet<Vec<String>> = modules
        .iter()
        .zip(&sources)
        .flat_map(|(module, source)| source.test_modules.iter().map(|name| child(&module.path, name)))
        .collect();
    for (module, source) in modules.iter().zip(&sources) {
        if (1..=module.path.len()).any(|length| tests.contains(&module.path[..length])) {
            continue;
        }
        found.extend(headless(module));
        let Some(own) = layer(&module.path) else {
            found
                .push(format!("{}:1: this module has no layer: give it one in tests/layers.rs", module.file));
            continue;
        };
        for named in &source.paths {
            let complaint = match module.resolve(&named.path, &names) {
                Some(target) => upward(module, own, &target),
                None => impure(&module.path, own, &named.path),
            };
            found.extend(complaint.map(|what| format!("{}:{}: {what}", module.file, named.line)));
        }
    }
    found.extend(tree.iter().filter_map(|(file, text)| oversize(file, text)));
    found
}

fn child(path: &[String], name: &str) -> Vec<String> {
    path.iter().cloned().chain([name.to_owned()]).collect()
}

fn upward(module: &Module, own: u8, target: &[String]) -> Option<String> {
    let name = target.join("::");
    if module.is_media() && target.first().is_none_or(|first| first != "media") {
        return Some(format!("media imports from the switch: {name}"));
    }
    let other = layer(target)?;
    let (top, sibling) = (module.path.first()?, target.first()?);
    if target.is_empty() || (module.path.len() == 1 && top == sibling) {
        return None; // a module's own root, which lists its parts
    }
    if other > own {
        return Some(format!("layer {own} imports {name} of layer {other}"));
    }
    let as_message = target.get(1).is_some_and(|part| part == "message" || part == "messages");
    let allowed = SIBLINGS.contains(&(top.as_str(), sibling.as_str()));
    (own == 3 && other == 3 && top != sibling && !allowed && !as_message)
        .then(|| format!("{top} and {sibling} meet only as messages, but {name} is imported"))
}

fn impure(module: &[String], own: u8, named: &[String]) -> Option<String> {
    let is = |name: &&&str| {
        let wanted: Vec<&str> = name.split("::").collect();
        named.windows(wanted.len()).any(|window| window.iter().zip(&wanted).all(|(a, b)| a == b))
    };
    let pure = own == 0 && !module.is_empty();
    if pure && let Some(name) = IMPURE.iter().find(is) {
        return Some(format!("a pure module names {name}: {}", named.join("::")));
    }
    let media = module.first().is_some_and(|first| first == "media");
    let actor = ACTORS.iter().find(is).filter(|_| media);
    actor.map(|name| format!("the fast path names {name}: {}", named.join("::")))
}

fn oversize(file: &str, text: &str) -> Option<String> {
    let lines = text.lines().count();
    (lines > LONGEST_FILE).then(|| {
        format!("{file}:{LONGEST_FILE}: {lines} lines: a noun is missing, split it by state or by verb")
    })
}

fn headless(module: &Module) -> Option<String> {
    let header = module.text.lines().take(2).filter(|line| line.starts_with("//!")).count();
    (header < 2).then(|| {
        format!("{}:1: a module starts with two lines `//!`: what it is, what it must never do", module.file)
    })
}

fn collect(root: &Path, folder: &Path, tree: &mut Tree) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("the folder is readable").path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                collect(root, &path, tree);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name =
                path.strip_prefix(root).expect("it lies below the root").to_string_lossy().into_owned();
            tree.insert(name, std::fs::read_to_string(&path).expect("sources are text"));
        }
    }
}

#[test]
fn nothing_imports_upwards_and_pure_modules_stay_pure() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut tree = Tree::new();
    for folder in ["src", "media/src", "media/tests", "media/benches", "tests", "benches"] {
        collect(root, &root.join(folder), &mut tree);
    }
    assert!(tree.len() > 10, "only {} sources found: the test looks in the wrong place", tree.len());
    let found = breaches(&tree);
    assert!(found.is_empty(), "{} breaches of the design:\n{}", found.len(), found.join("\n"));
}

const HEADER: &str = "//! One.\n//! Two.\n";

fn found_in(files: &[(&str, &str)]) -> Vec<String> {
    let tree = files.iter().map(|(file, code)| ((*file).to_owned(), format!("{HEADER}{code}"))).collect();
    breaches(&tree)
}

#[test]
fn every_kind_of_breach_is_found_where_it_stands() {
    let cases: &[(&str, &str, &str)] = &[
        (
            "src/routing.rs",
            "use crate::call::Call;",
            "src/routing.rs:3: layer 0 imports call::Call of layer 3",
        ),
        (
            "src/sip/auth.rs",
            "\nuse super::shard::Shard;",
            "src/sip/auth.rs:4: layer 0 imports sip::shard::Shard",
        ),
        ("src/sip/mod.rs", "use self::shard::Shard;", ""),
        ("src/ids.rs", "fn f() { crate::api::go() }", "layer 0 imports api::go of layer 4"),
        ("src/supervision/mod.rs", "use crate::{ids, leg::Leg};", "layer 1 imports leg::Leg of layer 3"),
        ("src/leg/actor.rs", "use crate::call::Call;", "leg and call meet only as messages"),
        ("src/leg/actor.rs", "use crate::call::message::Hangup;", ""),
        ("src/call/mod.rs", "use crate::leg::Leg;", ""),
        ("src/twiml/script.rs", "use std::time::{Duration, Instant};", "a pure module names Instant"),
        ("src/twiml/script.rs", "use tokio::time::sleep;", "a pure module names tokio"),
        ("src/config/mod.rs", "fn f() { std::fs::read(x); }", "a pure module names std::fs"),
        ("media/src/rtp.rs", "use std::sync::{Arc, Mutex};", "a pure module names Mutex"),
        ("media/src/rtp.rs", "use crate::port::Engine;", "layer 0 imports media::port::Engine of layer 2"),
        ("media/src/port/mod.rs", "use std::net::UdpSocket;", ""),
        ("media/src/port/mod.rs", "use actix::Actor;", "the fast path names actix"),
        ("media/src/port/mod.rs", "use trunkline::ids::LegId;", "media imports from the switch: ids::LegId"),
        ("src/helpers.rs", "", "src/helpers.rs:1: this module has no layer"),
        ("src/twiml/script.rs", "#[cfg(test)]\nmod tests { use std::time::Instant; }", ""),
    ];
    for (file, code, wanted) in cases {
        let found = found_in(&[(file, code)]);
        match *wanted {
            "" => assert!(found.is_empty(), "{file} `{code}` is allowed, but: {found:?}"),
            wanted => assert!(
                found.len() == 1 && found[0].contains(wanted),
                "{file} `{code}` should give `{wanted}`, but: {found:?}"
            ),
        }
    }
}

#[test]
fn a_sibling_is_found_without_crate_and_test_files_are_let_alone() {
    let shard = ("src/sip/shard.rs", "pub struct Shard;");
    let re_exported = found_in(&[("src/sip/dialog/mod.rs", "use super::super::sip::shard::Shard;"), shard]);
    assert_eq!(re_exported.len(), 1, "{re_exported:?}");
    let tests = found_in(&[
        ("src/twiml/script.rs", "#[cfg(test)]\nmod tests;"),
        ("src/twiml/script/tests.rs", "use std::time::Instant;"),
    ]);
    assert!(tests.is_empty(), "{tests:?}");
}

#[test]
fn a_long_file_and_a_missing_header_are_found() {
    let long = breaches(&Tree::from([("tests/long.rs".to_owned(), "\n".repeat(LONGEST_FILE + 1))]));
    assert!(long.len() == 1 && long[0].contains("601 lines"), "{long:?}");
    let bare = breaches(&Tree::from([("src/ids.rs".to_owned(), "//! One.\npub struct Id;\n".to_owned())]));
    assert!(bare.len() == 1 && bare[0].contains("two lines"), "{bare:?}");
}
