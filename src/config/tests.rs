use std::net::IpAddr;
use std::time::Duration;

use super::*;

fn parse(text: &str) -> Config {
    Config::parse(text).expect(text)
}

fn refusal(text: &str) -> String {
    Config::parse(text).expect_err(text).to_string()
}

#[test]
fn an_empty_file_means_the_defaults() {
    let config = parse("");
    assert_eq!(config, Config::default());
    assert_eq!(config.sip.listen, ["0.0.0.0:5060".parse().expect("address")]);
    assert_eq!(config.media.ports, PortSpan { first: 20_000, last: 29_999 });
    assert_eq!(config.dialplan.folder.to_str(), Some("dialplans"));
    assert_eq!(config.credentials_file().to_str(), Some("data/credentials.toml"));
}

#[test]
fn the_annotated_example_says_every_key_with_its_default_and_a_comment() {
    let example = include_str!("../../dialplans/trunkline.example.toml");
    assert_eq!(parse(example), Config::default());
    let given = keys::places(example, toml::de::DeTable::parse(example).expect("it was parsed").get_ref());
    // What is in force is what the types hold: a key that is added there is missed here.
    let effective: toml::Table = toml::from_str(&Config::default().effective()).expect("it reads back");
    let known = keys::leaves(&effective);
    assert_eq!(given.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>());
    let lines: Vec<&str> = example.lines().collect();
    for (key, place) in given {
        let (line, above) = (lines[place.line - 1], lines[place.line - 2]);
        assert!(line.contains("# ") || above.starts_with("# "), "{key} has no comment:\n{above}\n{line}");
    }
}

#[test]
fn what_is_in_force_reads_back_as_the_same_configuration() {
    let config = parse(
        r#"
        [sip]
        listen = ["127.0.0.1:5070", "[::1]:5070"]
        advertised = "203.0.113.7:5070"
        domain = "example.com"
        timers = { t1 = "100ms", ring = "2m" }
        listen_tls = ["127.0.0.1:5071"]
        tls = { certificate = "/etc/tls/c.pem", key = "/etc/tls/k.pem", unverified = ["gw.lan"] }
        [media]
        address = "192.0.2.1"
        advertised = "203.0.113.7"
        ports = "16384-32767"
        codecs = ["PCMA"]
        timeout = "0s"
        [data]
        folder = "/var/lib/trunkline"
        [local_networks]
        ranges = ["10.1.0.0/16"]
        [log]
        format = "json"
        "#,
    );
    assert_eq!(config.sip.advertised, Some("203.0.113.7:5070".parse().expect("address")));
    assert_eq!(config.sip.timers.t1, Duration::from_millis(100));
    assert_eq!(parse(&config.effective()), config);
}

#[test]
fn an_unknown_key_is_refused_with_its_line_and_the_key_that_was_meant() {
    for (text, refused) in [
        ("[sip]\n\nlisen = []", "line 3: unknown key `sip.lisen`, did you mean `sip.listen`?"),
        ("[spi]", "line 1: unknown key `spi`, did you mean `sip`?"),
        ("[sip.timers]\nT1 = \"1s\"", "line 2: unknown key `sip.timers.T1`, did you mean `sip.timers.t1`?"),
        (
            "\nsip.timers.rinng = \"3s\"",
            "line 2: unknown key `sip.timers.rinng`, did you mean `sip.timers.ring`?",
        ),
        ("listen = []", "line 1: unknown key `listen`, did you mean `sip.listen`?"),
        ("[media]\nqqqqq = 1", "line 2: unknown key `media.qqqqq`"),
    ] {
        assert_eq!(refusal(text), refused, "{text}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_refused_with_its_line_and_what_is_right() {
    for (text, line, right) in [
        ("[sip]\nlisten = \"0.0.0.0:5060\"", 2, "must be a list in brackets, such as [\"0.0.0.0:5060\"]"),
        ("[sip]\nlisten = [\"localhost:5060\"]", 2, "an address is written with its port"),
        ("[sip]\ntimers.ring = 30", 2, "must be a text in quotes, such as \"30s\""),
        ("[sip]\nlisten_tcp = [\"0.0.0.0\"]", 2, "0.0.0.0:5060"),
        ("[http]\nlisten = 8080", 2, "an address is written with its port"),
        ("[http]\npublic_recordings = 1", 2, "true or false"),
        ("[media]\naddress = \"here\"", 2, "must be an IP address"),
        ("\nsip = 5", 2, "`sip` is one table: write [sip], and its keys below"),
        ("[[gateway]]\naddress = \"sip.example.com\"", 1, "`gateway` is one table: write [gateway]"),
        ("[sip]\ntimers.ring = \"30\"", 2, "a whole number and ms, s, m, h or d"),
        ("[sip]\nadvertised = \"example.com\"", 2, "203.0.113.7:5070"),
        ("[media]\nports = \"20000\"", 2, "20000-29999"),
        ("[media]\nports = \"30000-20000\"", 2, "the lower first"),
        ("[media]\ncodecs = [\"G729\"]", 2, "PCMU"),
        ("[local_networks]\nranges = [\"10.0.0.0/33\"]", 2, "192.168.0.0/16"),
        ("[limits]\ncalls = -1", 2, "must be a whole number, not below 0, such as 2000"),
        ("[sip\n", 1, ""),
    ] {
        let error = Config::parse(text).expect_err(text);
        let ConfigError::Value { line: told, message, .. } = &error else { panic!("{text}: {error}") };
        assert_eq!(*told, line, "{text}: {error}");
        assert!(message.contains(right), "{text}: {error}");
    }
}

#[test]
fn a_wrong_value_is_told_with_its_key_its_line_and_its_bounds() {
    for (text, told) in [
        ("[sip.tls]\nkey = \"k.pem\"", "line 2: sip.tls.key = \"k.pem\": certificate and key come together"),
        (
            "[sip.connections]\ntotal = 9",
            "line 2: sip.connections.total = 9: must not be smaller than sip.connections.per_source",
        ),
        ("[sip]\nlisten = []", "line 2: sip.listen = []: at least one address is needed"),
        ("[sip.timers]\nt1 = \"5s\"", "sip.timers.t2 = \"4s\": must not be shorter than sip.timers.t1"),
        (
            "[sip.timers]\nring = \"4m\"",
            "line 2: sip.timers.ring = \"4m\": must lie between 1s and 3m (timer C of RFC 3261)",
        ),
        ("[media]\ncodecs = []", "line 2: media.codecs = []: at least one codec is needed"),
        (
            "[limits]\nlegs = 10",
            "line 2: limits.legs = 10: must not be smaller than limits.calls: each call has a leg",
        ),
        (
            "[registrar]\nmax_expires = \"1m\"\n",
            "registrar.default_expires = \"10m\": must lie between registrar.min_expires and registrar.max_expires",
        ),
        (
            "media.timeout = \"1ms\"",
            "line 1: media.timeout = \"1ms\": must not be shorter than 1s; \"0s\": never",
        ),
        (
            "sip.domain = \"bad domain\"",
            "line 1: sip.domain = \"bad domain\": must be the name of a domain, such as \"example.com\", or \"auto\"",
        ),
        (
            "sip.domain = \"\"",
            "line 1: sip.domain = \"\": must be the name of a domain, such as \"example.com\", or \"auto\"",
        ),
        (
            "sip.shards = 100000",
            "line 1: sip.shards = 100000: must not be greater than 1024; 0: as many as fit the host",
        ),
        (
            "records.bytes = 1000",
            "line 1: records.bytes = 1000: must lie between 65536 (64 KiB) and 268435456 (256 MiB)",
        ),
        ("records.files = 101", "line 1: records.files = 101: must not be greater than 100"),
        (
            "media.workers = 100000",
            "line 1: media.workers = 100000: must not be greater than 1024; 0: as many as fit the host",
        ),
        ("data.folder = \"\"", "line 1: data.folder = \"\": must name a folder, such as \"data\""),
        (
            "[sip]\ntimers.ring = 30",
            "line 2: sip.timers.ring = 30: must be a text in quotes, such as \"30s\"",
        ),
    ] {
        assert_eq!(refusal(text), told, "{text}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = "[sip]\nlisen = []\nadvertised = \"here\"\n[sip.timers]\nt1 = 5\n[media]\nports = \"1\"\n[limts]\n\
                calls = 1\n";
    let examined = Config::examine(text);
    let told: Vec<String> = examined.errors.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 5, "{told:#?}");
    for (told, wanted) in told.iter().zip([
        "line 2: unknown key `sip.lisen`, did you mean `sip.listen`?",
        "line 8: unknown key `limts`, did you mean `limits`?",
        "line 7: media.ports = \"1\": ports are written as",
        "line 3: sip.advertised = \"here\": an advertised address is",
        "line 5: sip.timers.t1 = 5: ",
    ]) {
        assert!(told.starts_with(wanted), "{told} instead of {wanted}");
    }
    let broken = Config::examine("[sip\nlisten = [\n[media]\nworkers = 2\n");
    assert!(!broken.is_sound());
    let two = Config::examine("[sip.timers]\nt1 = \"6s\"\nring = \"1h\"\n[media]\ncodecs = []\n");
    assert_eq!(two.errors.len(), 4, "t2, t4, ring, codecs: {:?}", two.errors);
}

#[test]
fn spans_of_time_are_read_with_their_unit_and_written_in_the_largest_that_fits() {
    for (text, millis, written) in [
        ("500ms", 500, "500ms"),
        ("30s", 30_000, "30s"),
        ("90s", 90_000, "90s"),
        ("120 s", 120_000, "2m"),
        ("24h", 86_400_000, "1d"),
        ("0m", 0, "0s"),
    ] {
        let span = notation::read_span(text).expect(text);
        assert_eq!((span, notation::write_span(span).as_str()), (Duration::from_millis(millis), written));
    }
    for bad in ["", "s", "5", "-5s", "1.5s", "5 weeks", "99999999999999999999s", "18446744073709551615d"] {
        assert_eq!(notation::read_span(bad), None, "{bad}");
    }
}

#[test]
fn hosts_of_private_networks_are_local_and_others_are_not() {
    let config = Config::default();
    let local = |host: &str| config.is_local(host.parse::<IpAddr>().expect(host));
    for host in [
        "10.255.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "127.0.0.1",
        "::1",
        "fd12::1",
        "fe80::1",
        "::ffff:10.0.0.1",
    ] {
        assert!(local(host), "{host}");
    }
    for host in ["172.32.0.1", "11.0.0.1", "8.8.8.8", "2001:db8::1", "::2", "::ffff:8.8.8.8"] {
        assert!(!local(host), "{host}");
    }
    let all: Network = "0.0.0.0/0".parse().expect("network");
    assert!(
        all.contains("8.8.8.8".parse().expect("address")) && !all.contains("::1".parse().expect("address"))
    );
}

#[test]
fn minted_credentials_have_twilios_shape_and_never_show_in_a_debug_print() {
    let mut drawn = 0;
    let credentials = Credentials::mint(
        || {
            drawn += 1;
            [drawn; 16]
        },
        &["alice", "bob"],
    );
    assert_eq!(credentials.account_sid, format!("AC{}", "01".repeat(16)));
    assert_eq!(credentials.auth_token, "02".repeat(16));
    let users: Vec<_> =
        credentials.users.iter().map(|(name, secret)| (name.as_str(), secret.clone())).collect();
    assert_eq!(users, [("alice", "03".repeat(16)), ("bob", "04".repeat(16))]);
    let shown = format!("{credentials:?}");
    assert!(shown.contains("alice") && !shown.contains("0303") && !shown.contains("0202"), "{shown}");
}
