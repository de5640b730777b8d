//! The country of a telephone number, by its dialling prefix (ITU-T E.164). Pure.
//! It must never guess more than the prefix says: city and state stay unknown.

/// Prefixes by country (ISO 3166-1). The longest that fits counts.
#[rustfmt::skip]
const PREFIXES: &[(&str, &str)] = &[
    ("AE", "971"), ("AG", "1268"), ("AI", "1264"), ("AR", "54"), ("AS", "1684"), ("AT", "43"), ("AU", "61"),
    ("BB", "1246"), ("BE", "32"), ("BG", "359"), ("BM", "1441"), ("BR", "55"), ("BS", "1242"), ("CH", "41"),
    ("CL", "56"), ("CN", "86"), ("CO", "57"), ("CR", "506"), ("CY", "357"), ("CZ", "420"), ("DE", "49"),
    ("DK", "45"), ("DM", "1767"), ("DO", "1809"), ("DO", "1829"), ("DO", "1849"), ("DZ", "213"),
    ("EC", "593"), ("EE", "372"), ("EG", "20"), ("ES", "34"), ("FI", "358"), ("FR", "33"), ("GB", "44"),
    ("GD", "1473"), ("GH", "233"), ("GR", "30"), ("GU", "1671"), ("HK", "852"), ("HR", "385"), ("HU", "36"),
    ("ID", "62"), ("IE", "353"), ("IL", "972"), ("IN", "91"), ("IS", "354"), ("IT", "39"), ("JM", "1658"),
    ("JM", "1876"), ("JP", "81"), ("KE", "254"), ("KN", "1869"), ("KR", "82"), ("KY", "1345"), ("KZ", "76"),
    ("KZ", "77"), ("LC", "1758"), ("LI", "423"), ("LT", "370"), ("LU", "352"), ("LV", "371"), ("MA", "212"),
    ("MP", "1670"), ("MS", "1664"), ("MT", "356"), ("MX", "52"), ("MY", "60"), ("NG", "234"), ("NL", "31"),
    ("NO", "47"), ("NZ", "64"), ("PE", "51"), ("PH", "63"), ("PK", "92"), ("PL", "48"), ("PR", "1787"),
    ("PR", "1939"), ("PT", "351"), ("RO", "40"), ("RS", "381"), ("RU", "7"), ("SA", "966"), ("SE", "46"),
    ("SG", "65"), ("SI", "386"), ("SK", "421"), ("SX", "1721"), ("TC", "1649"), ("TH", "66"), ("TN", "216"),
    ("TR", "90"), ("TT", "1868"), ("TW", "886"), ("UA", "380"), ("US", "1"), ("UY", "598"), ("VC", "1784"),
    ("VE", "58"), ("VG", "1284"), ("VI", "1340"), ("VN", "84"), ("ZA", "27"),
];

/// Area codes of Canada, which shares its prefix with the United States.
const CANADA: &[&str] = &[
    "204", "226", "236", "249", "250", "257", "263", "289", "306", "343", "354", "365", "367", "368", "382",
    "387", "403", "416", "418", "428", "431", "437", "438", "450", "460", "468", "474", "506", "514", "519",
    "537", "548", "568", "579", "581", "584", "587", "604", "613", "639", "647", "672", "683", "705", "709",
    "742", "753", "778", "780", "782", "807", "819", "825", "867", "873", "879", "902", "905", "942",
];

/// Where a number in the form `+…` belongs; `None` for whatever else, empty for a prefix that is not known.
pub fn country(number: &str) -> Option<&'static str> {
    let digits = number.strip_prefix('+').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    if digits.strip_prefix('1').and_then(|rest| rest.get(..3)).is_some_and(|area| CANADA.contains(&area)) {
        return Some("CA");
    }
    let fitting = PREFIXES.iter().filter(|(_, prefix)| digits.starts_with(prefix));
    Some(fitting.max_by_key(|(_, prefix)| prefix.len()).map_or("", |(country, _)| country))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_tells_the_country_and_what_is_no_number_has_none() {
        for (number, wanted) in [
            ("+14158675309", Some("US")),
            ("+14165550100", Some("CA")),
            ("+4930123456", Some("DE")),
            ("+4233001234", Some("LI")),
            ("+77011234567", Some("KZ")),
            ("+18765550100", Some("JM")),
            ("+74951234567", Some("RU")),
            ("+9991", Some("")),
            ("sip:bob@example.com", None),
            ("4930", None),
        ] {
            assert_eq!(country(number), wanted, "{number}");
        }
    }
}
