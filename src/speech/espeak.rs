//! The espeak-ng engine: a hundred languages, one robot.
//! Must never pass a language on that is not in its list.

use std::path::Path;

use super::engine::Engine;
use super::{Provider, Synthesis};

/// Languages by their primary subtag.
const LANGUAGES: [&str; 60] = [
    "af", "am", "ar", "az", "be", "bg", "bn", "bs", "ca", "cs", "cy", "da", "de", "el", "en", "eo", "es",
    "et", "eu", "fa", "fi", "fr", "ga", "gu", "he", "hi", "hr", "hu", "hy", "id", "is", "it", "ja", "ka",
    "kk", "kn", "ko", "lt", "lv", "mk", "ml", "mr", "ms", "nb", "ne", "nl", "pa", "pl", "pt", "ro", "ru",
    "sk", "sl", "sq", "sr", "sv", "sw", "ta", "te", "th",
];
/// The rest, and names that differ from the primary subtag.
const OTHERS: [(&str, &str); 8] = [
    ("no", "nb"),
    ("tr", "tr"),
    ("uk", "uk"),
    ("ur", "ur"),
    ("vi", "vi"),
    ("zh", "cmn"),
    ("cmn", "cmn"),
    ("yue", "yue"),
];
/// Kinds of a language that it tells apart.
const REGIONS: [(&str, &str); 10] = [
    ("en-us", "en-us"),
    ("en-gb", "en-gb"),
    ("en-au", "en-gb"),
    ("en-ie", "en-gb"),
    ("en-in", "en-gb"),
    ("es-mx", "es-419"),
    ("es-us", "es-419"),
    ("fr-be", "fr-be"),
    ("fr-ch", "fr-ch"),
    ("pt-br", "pt-br"),
];

/// espeak-ng, where it is installed.
pub struct Espeak(Engine);

impl Espeak {
    /// Writes into the folder `scratch` while it works.
    pub fn new(scratch: &Path) -> Self {
        Self(Engine::new("espeak-ng", scratch))
    }
}

impl Provider for Espeak {
    fn name(&self) -> &str {
        "espeak-ng"
    }

    fn speaks(&self, language: &str) -> bool {
        voice_of(language).is_some()
    }

    fn synthesize<'a>(&'a self, text: &'a str, language: &'a str, voice: Option<&'a str>) -> Synthesis<'a> {
        let variant = if voice.is_some_and(super::is_man) { "m3" } else { "f3" };
        let name = format!("{}+{variant}", voice_of(language).unwrap_or("en-us"));
        let arguments = move |output: &Path| {
            ["--stdin", "-v", &name, "-w", &output.display().to_string()].map(str::to_owned).to_vec()
        };
        Box::pin(self.0.run(arguments, text))
    }
}

/// Its voice for a BCP 47 tag: that of the region, or else of the language.
fn voice_of(language: &str) -> Option<&'static str> {
    let tag = language.to_ascii_lowercase();
    let find = |table: &[(&str, &'static str)], name: &str| {
        table.iter().find(|(known, _)| *known == name).map(|(_, voice)| *voice)
    };
    let primary = tag.split('-').next().unwrap_or_default();
    find(&REGIONS, &tag)
        .or_else(|| find(&OTHERS, primary))
        .or_else(|| LANGUAGES.iter().find(|known| **known == primary).copied())
}

#[cfg(test)]
mod tests {
    use super::voice_of;

    #[test]
    fn tags_lead_to_voices_by_region_and_else_by_language() {
        for (tag, voice) in [
            ("en-US", Some("en-us")),
            ("en-ZA", Some("en")),
            ("de-AT", Some("de")),
            ("pt-BR", Some("pt-br")),
            ("cmn-CN", Some("cmn")),
            ("zh-TW", Some("cmn")),
            ("nb-NO", Some("nb")),
            ("tlh", None),
            ("", None),
            ("--help", None),
        ] {
            assert_eq!(voice_of(tag), voice, "{tag}");
        }
    }
}
