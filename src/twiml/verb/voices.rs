//! The voices that documents ask for by name, and the languages that they speak.
//! Must never choose an engine: a name is a wish.

/// Voices that speak whatever language is asked for.
const BASIC: [&str; 3] = ["man", "woman", "alice"];

/// Engines whose voices a document names as `Engine.Name`, perhaps with a model: `Polly.Vicki-Neural`.
const ENGINES: [&str; 2] = ["Polly", "Google"];

/// What Polly's voices speak where that is not American English.
const POLLY: [(&str, &[&str]); 39] = [
    ("arb", &["Zeina"]),
    ("ar-AE", &["Hala", "Zayd"]),
    ("ca-ES", &["Arlet"]),
    ("cmn-CN", &["Zhiyu"]),
    ("cs-CZ", &["Jitka"]),
    ("cy-GB", &["Gwyneth"]),
    ("da-DK", &["Mads", "Naja", "Sofie"]),
    ("de-AT", &["Hannah"]),
    ("de-CH", &["Sabrina"]),
    ("de-DE", &["Daniel", "Hans", "Marlene", "Vicki"]),
    ("en-AU", &["Nicole", "Olivia", "Russell"]),
    ("en-GB", &["Amy", "Arthur", "Brian", "Emma"]),
    ("en-GB-WLS", &["Geraint"]),
    ("en-IE", &["Niamh"]),
    ("en-IN", &["Raveena"]),
    ("en-NZ", &["Aria"]),
    ("en-ZA", &["Ayanda"]),
    ("es-ES", &["Alba", "Conchita", "Enrique", "Lucia", "Raul", "Sergio"]),
    ("es-MX", &["Andres", "Mia"]),
    ("es-US", &["Lupe", "Miguel", "Pedro", "Penelope"]),
    ("fi-FI", &["Suvi"]),
    ("fr-BE", &["Isabelle"]),
    ("fr-CA", &["Chantal", "Gabrielle", "Liam"]),
    ("fr-FR", &["Celine", "Lea", "Mathieu", "Remi"]),
    ("hi-IN", &["Aditi", "Kajal"]),
    ("is-IS", &["Dora", "Karl"]),
    ("it-IT", &["Adriano", "Bianca", "Carla", "Giorgio"]),
    ("ja-JP", &["Kazuha", "Mizuki", "Takumi", "Tomoko"]),
    ("ko-KR", &["Jihye", "Seoyeon"]),
    ("nb-NO", &["Ida", "Liv"]),
    ("nl-BE", &["Lisa"]),
    ("nl-NL", &["Laura", "Lotte", "Ruben"]),
    ("pl-PL", &["Ewa", "Jacek", "Jan", "Maja", "Ola"]),
    ("pt-BR", &["Camila", "Ricardo", "Thiago", "Vitoria"]),
    ("pt-PT", &["Cristiano", "Ines"]),
    ("ro-RO", &["Carmen"]),
    ("ru-RU", &["Maxim", "Tatyana"]),
    ("sv-SE", &["Astrid", "Elin"]),
    ("tr-TR", &["Burcu", "Filiz"]),
];

/// Whether a name is one that documents use, in any case.
pub(super) fn is_voice(name: &str) -> bool {
    let is_engine = |engine: &str| ENGINES.iter().any(|known| known.eq_ignore_ascii_case(engine));
    let engine = name.split_once('.').is_some_and(|(engine, own)| is_engine(engine) && !own.is_empty());
    engine || BASIC.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// The language that a voice brings along, where it is known: Google's names begin with it.
pub(super) fn language(voice: &str) -> Option<&str> {
    let (engine, name) = voice.split_once('.')?;
    if engine.eq_ignore_ascii_case("Google") {
        let region = name.find('-')?.checked_add(1)?;
        let end = name.get(region..)?.find('-').map_or(name.len(), |length| region + length);
        return name.get(..end);
    }
    let name = name.split_once('-').map_or(name, |(name, _)| name);
    let speaks = |voices: &[&str]| voices.iter().any(|voice| voice.eq_ignore_ascii_case(name));
    POLLY.iter().find(|(_, voices)| speaks(voices)).map(|(language, _)| *language)
}

#[cfg(test)]
mod tests {
    use super::{is_voice, language};

    #[test]
    fn a_voice_is_known_by_its_engine_in_any_case_and_brings_its_language() {
        for (voice, spoken) in [
            ("Polly.Vicki", Some("de-DE")),
            ("polly.vicki-neural", Some("de-DE")),
            ("Polly.Amy-Generative", Some("en-GB")),
            ("Polly.Joanna", None),
            ("Google.fr-CA-Wavenet-A", Some("fr-CA")),
            ("google.cmn-CN-Standard-B", Some("cmn-CN")),
            ("Google.de-DE", Some("de-DE")),
            ("WOMAN", None),
        ] {
            assert!(is_voice(voice), "{voice}");
            assert_eq!(language(voice), spoken, "{voice}");
        }
        for nobody in ["robot", "Polly.", "Nuance.Anna", ""] {
            assert!(!is_voice(nobody), "{nobody}");
        }
    }
}
