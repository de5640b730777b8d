//! The flite engine: small, quick, English.
//! Must never be asked for another language.

use std::path::Path;

use super::engine::Engine;
use super::{Provider, Synthesis};

/// flite, where it is installed.
pub struct Flite(Engine);

impl Flite {
    /// Writes into the folder `scratch` while it works.
    pub fn new(scratch: &Path) -> Self {
        Self(Engine::new("flite", scratch))
    }
}

impl Provider for Flite {
    fn name(&self) -> &str {
        "flite"
    }

    fn speaks(&self, language: &str) -> bool {
        // Its voices are American and Scottish; other kinds of English are better with the other engine.
        ["en", "en-US"].iter().any(|known| known.eq_ignore_ascii_case(language))
    }

    fn synthesize<'a>(&'a self, text: &'a str, _language: &'a str, voice: Option<&'a str>) -> Synthesis<'a> {
        let name = if voice.is_some_and(super::is_man) { "rms" } else { "slt" };
        let arguments = move |output: &Path| {
            ["-voice", name, "-f", "/dev/stdin", "-o"]
                .map(str::to_owned)
                .into_iter()
                .chain([output.display().to_string()])
                .collect()
        };
        Box::pin(self.0.run(arguments, text))
    }
}
