//! How it sounds when a telephone rings, by country (ITU-T E.180 Supplement 2).
//! Must never guess: a name that is not listed is no country.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Cadence, Timbre};

/// A country, or an era of one, with a ringing tone of its own; written as in the `ringTone` attribute of `Dial`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Country {
    /// Austria.
    At,
    /// Australia.
    Au,
    /// Bulgaria.
    Bg,
    /// Brazil.
    Br,
    /// Belgium.
    Be,
    /// Switzerland.
    Ch,
    /// Chile.
    Cl,
    /// China.
    Cn,
    /// Czechia.
    Cz,
    /// Germany.
    De,
    /// Denmark.
    Dk,
    /// Estonia.
    Ee,
    /// Spain.
    Es,
    /// Finland.
    Fi,
    /// France.
    Fr,
    /// Greece.
    Gr,
    /// Hungary.
    Hu,
    /// Israel.
    Il,
    /// India.
    In,
    /// Italy.
    It,
    /// Lithuania.
    Lt,
    /// Japan.
    Jp,
    /// Mexico.
    Mx,
    /// Malaysia.
    My,
    /// Netherlands.
    Nl,
    /// Norway.
    No,
    /// New Zealand.
    Nz,
    /// Philippines.
    Ph,
    /// Poland.
    Pl,
    /// Portugal.
    Pt,
    /// Russia.
    Ru,
    /// Sweden.
    Se,
    /// Singapore.
    Sg,
    /// Thailand.
    Th,
    /// United Kingdom.
    Uk,
    /// United States.
    Us,
    /// United States before the precise tone plan.
    UsOld,
    /// Taiwan.
    Tw,
    /// Venezuela.
    Ve,
    /// South Africa.
    Za,
}

/// A name that stands for no country whose ringing tone is known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no ringing tone is known for {0:?}")]
pub struct UnknownCountry(pub String);

const TWICE: Cadence = &[(400, 200), (400, 2000)];
const LONG: Cadence = &[(1000, 4000)];

impl Country {
    /// All of them with their names.
    pub const NAMED: [(&'static str, Country); 40] = [
        ("at", Country::At),
        ("au", Country::Au),
        ("bg", Country::Bg),
        ("br", Country::Br),
        ("be", Country::Be),
        ("ch", Country::Ch),
        ("cl", Country::Cl),
        ("cn", Country::Cn),
        ("cz", Country::Cz),
        ("de", Country::De),
        ("dk", Country::Dk),
        ("ee", Country::Ee),
        ("es", Country::Es),
        ("fi", Country::Fi),
        ("fr", Country::Fr),
        ("gr", Country::Gr),
        ("hu", Country::Hu),
        ("il", Country::Il),
        ("in", Country::In),
        ("it", Country::It),
        ("lt", Country::Lt),
        ("jp", Country::Jp),
        ("mx", Country::Mx),
        ("my", Country::My),
        ("nl", Country::Nl),
        ("no", Country::No),
        ("nz", Country::Nz),
        ("ph", Country::Ph),
        ("pl", Country::Pl),
        ("pt", Country::Pt),
        ("ru", Country::Ru),
        ("se", Country::Se),
        ("sg", Country::Sg),
        ("th", Country::Th),
        ("uk", Country::Uk),
        ("us", Country::Us),
        ("us-old", Country::UsOld),
        ("tw", Country::Tw),
        ("ve", Country::Ve),
        ("za", Country::Za),
    ];

    pub(super) const fn ringing(self) -> (Timbre, Cadence) {
        match self {
            Self::At => (Timbre::Pure(420), &[(1000, 5000)]),
            Self::Au | Self::Nz | Self::Uk => (Timbre::Pair(400, 450), TWICE),
            Self::Be => (Timbre::Pure(425), &[(1000, 3000)]),
            Self::Cl | Self::Il => (Timbre::Pure(400), &[(1000, 3000)]),
            Self::Cn => (Timbre::Pure(450), LONG),
            Self::Es => (Timbre::Pure(425), &[(1500, 3000)]),
            Self::Fr => (Timbre::Pure(440), &[(1500, 3500)]),
            Self::Hu => (Timbre::Pure(425), &[(1250, 3750)]),
            Self::In => (Timbre::Trill(400, 25), TWICE),
            Self::Jp => (Timbre::Trill(400, 16), &[(1000, 2000)]),
            Self::My => (Timbre::Pure(425), TWICE),
            Self::Ph => (Timbre::Pair(425, 480), LONG),
            Self::Pt | Self::Se => (Timbre::Pure(425), &[(1000, 5000)]),
            Self::Ru => (Timbre::Pure(425), &[(800, 3200)]),
            Self::Sg => (Timbre::Trill(425, 24), TWICE),
            Self::Th => (Timbre::Pure(400), LONG),
            Self::Us => (Timbre::Pair(440, 480), &[(2000, 4000)]),
            Self::UsOld => (Timbre::Trill(420, 40), &[(2000, 4000)]),
            Self::Tw => (Timbre::Pair(440, 480), &[(1000, 2000)]),
            Self::Za => (Timbre::Trill(400, 33), TWICE),
            Self::Bg
            | Self::Br
            | Self::Ch
            | Self::Cz
            | Self::De
            | Self::Dk
            | Self::Ee
            | Self::Fi
            | Self::Gr
            | Self::It
            | Self::Lt
            | Self::Mx
            | Self::Nl
            | Self::No
            | Self::Pl
            | Self::Ve => (Timbre::Pure(425), LONG),
        }
    }
}

impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(name: &str) -> Result<Self, UnknownCountry> {
        let known = Self::NAMED.into_iter().find(|(known, _)| *known == name);
        known.map(|(_, country)| country).ok_or_else(|| UnknownCountry(name.to_owned()))
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = Self::NAMED.into_iter().find(|(_, country)| country == self);
        f.write_str(known.map_or("", |(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forty_names_of_the_attribute_are_read_written_and_stored_alike() {
        for (name, country) in Country::NAMED {
            assert_eq!(name.parse(), Ok(country));
            assert_eq!(country.to_string(), name);
            assert_eq!(serde_json::to_string(&country).ok(), Some(format!("{name:?}")));
        }
        assert_eq!("DE".parse::<Country>(), Err(UnknownCountry("DE".to_owned())));
        assert_eq!("".parse::<Country>(), Err(UnknownCountry(String::new())));
    }
}
