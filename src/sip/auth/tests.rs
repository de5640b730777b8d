//! A phone and the switch's authentication, face to face.
//! They must never share more than what is on the wire.

use std::time::Duration;

use super::digest::Question;
use super::*;
use crate::sip::message::{CSeq, Host, Method, NameAddr, Uri};

const NOW: u64 = 1_700_000_000;
const COUNTED: Option<(&str, &str)> = Some(("00000001", "0a4f113b"));

fn realm() -> Realm {
    Realm { name: "trunkline.example".into(), secret: [7; 32], lifetime: Duration::from_secs(300) }
}

fn home() -> IpAddr {
    [192, 0, 2, 1].into()
}

fn password_of(user: &str) -> Option<String> {
    (user == "alice").then(|| "wonderland".to_owned())
}

fn register(branch: &str) -> Request {
    let domain = || Uri::sip(None, Host::Name("trunkline.example".into()), None);
    let alice = NameAddr::new(Uri::sip(Some("alice"), Host::Name("trunkline.example".into()), None));
    let mut request = Request::new(Method::Register, domain());
    let headers = request.headers_mut();
    headers.push(HeaderName::Via, format!("SIP/2.0/UDP 192.0.2.1:5060;branch={branch}"));
    headers.push(HeaderName::MaxForwards, 70);
    headers.push(HeaderName::From, alice.clone().with_tag("49583"));
    headers.push(HeaderName::To, alice);
    headers.push(HeaderName::CallId, "843817637684230@998sdasdh09");
    headers.push(HeaderName::CSeq, CSeq { number: 1826, method: Method::Register });
    headers.push(HeaderName::UserAgent, "Telephone/2.0");
    request
}

/// The value of a parameter in a challenge.
fn param<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let value = challenge.split_once(&format!("{name}="))?.1;
    value.split(',').next().map(|value| value.trim_matches('"'))
}

/// What a phone makes of a challenge.
struct Phone<'a> {
    user: &'a str,
    password: &'a str,
    uri: &'a str,
    counted: Option<(&'a str, &'a str)>,
}

const ALICE: Phone<'_> =
    Phone { user: "alice", password: "wonderland", uri: "sip:trunkline.example", counted: COUNTED };

impl Phone<'_> {
    fn credentials(&self, challenge: &str) -> String {
        let (realm, nonce) = (param(challenge, "realm").unwrap(), param(challenge, "nonce").unwrap());
        let algorithm = Algorithm::named(param(challenge, "algorithm")).unwrap();
        let (user, uri, counted) = (self.user, self.uri, self.counted);
        let question = Question { algorithm, user, realm, method: "REGISTER", uri, nonce, counted };
        let response = question.answer(self.password);
        let qop = counted.map(|(nc, cnonce)| format!(r#", qop=auth, nc={nc}, cnonce="{cnonce}""#));
        format!(
            r#"Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{response}", algorithm={algorithm}{}"#,
            qop.unwrap_or_default()
        )
    }
}

fn nonces() -> NonceTable {
    NonceTable::new(100, Duration::from_secs(300))
}

fn attempt(nonces: &mut NonceTable, credentials: &str, source: IpAddr, now: u64) -> Result<String, Denied> {
    let mut request = register("z9hG4bK2");
    request.headers_mut().push(HeaderName::Authorization, credentials);
    let outcome = verify(&realm(), &request, &HeaderName::Authorization, source, password_of, nonces, now);
    outcome.map(|authenticated| authenticated.user)
}

fn challenges() -> Vec<String> {
    challenge(&realm(), &register("z9hG4bK1"), home(), NOW, false)
}

#[test]
fn sha_256_is_offered_before_md5_and_a_phone_may_take_either() {
    let offered = challenges();
    assert_eq!(
        offered.iter().map(|one| param(one, "algorithm").unwrap()).collect::<Vec<_>>(),
        ["SHA-256", "MD5"]
    );
    for one in offered {
        assert_eq!(param(&one, "qop"), Some("auth"));
        assert_eq!(param(&one, "stale"), None);
        assert_eq!(
            attempt(&mut nonces(), &ALICE.credentials(&one), home(), NOW),
            Ok("alice".into()),
            "{one}"
        );
    }
}

#[test]
fn nothing_is_kept_before_the_first_valid_use() {
    let mut nonces = nonces();
    let wrong = Phone { password: "rabbit", ..ALICE };
    assert_eq!(attempt(&mut nonces, &wrong.credentials(&challenges()[0]), home(), NOW), Err(Denied::Wrong));
    assert!(nonces.is_empty());
    assert_eq!(attempt(&mut nonces, &ALICE.credentials(&challenges()[0]), home(), NOW), Ok("alice".into()));
    assert_eq!(nonces.len(), 1);
}

#[test]
fn unknown_users_and_wrong_passwords_are_told_apart_by_nobody() {
    let answer = |phone: Phone<'_>| {
        let denied = attempt(&mut nonces(), &phone.credentials(&challenges()[0]), home(), NOW).unwrap_err();
        let refusal =
            refuse(denied, &realm(), &register("z9hG4bK2"), &HeaderName::Authorization, home(), NOW);
        refusal.to_bytes()
    };
    let wrong = answer(Phone { password: "rabbit", ..ALICE });
    assert_eq!(wrong, answer(Phone { user: "mallory", ..ALICE }));
    assert_eq!(
        wrong,
        answer(Phone { user: "mallory", password: "", ..ALICE }),
        "nor is an empty password theirs"
    );
}

#[test]
fn a_replay_is_refused_and_the_next_count_is_taken() {
    let (mut nonces, offered) = (nonces(), challenges());
    let credentials = ALICE.credentials(&offered[0]);
    assert_eq!(attempt(&mut nonces, &credentials, home(), NOW), Ok("alice".into()));
    assert_eq!(attempt(&mut nonces, &credentials, home(), NOW), Err(Denied::Replayed));
    let next = Phone { counted: Some(("00000002", "77")), ..ALICE };
    assert_eq!(attempt(&mut nonces, &next.credentials(&offered[0]), home(), NOW), Ok("alice".into()));
}

#[test]
fn the_count_is_hexadecimal_and_hashed_as_it_was_sent() {
    for count in ["0000000a", "0000000B", "000000ff"] {
        let phone = Phone { counted: Some((count, "77")), ..ALICE };
        assert_eq!(
            attempt(&mut nonces(), &phone.credentials(&challenges()[0]), home(), NOW),
            Ok("alice".into())
        );
    }
    for count in ["1", "0000000g", "+0000001", "000000001", "00000000"] {
        let phone = Phone { counted: Some((count, "77")), ..ALICE };
        assert!(
            attempt(&mut nonces(), &phone.credentials(&challenges()[0]), home(), NOW).is_err(),
            "{count}"
        );
    }
}

#[test]
fn a_phone_of_rfc_2069_gets_in_once_for_each_nonce() {
    let (mut nonces, old) = (nonces(), Phone { counted: None, ..ALICE });
    let credentials = old.credentials(&challenges()[1]);
    assert_eq!(attempt(&mut nonces, &credentials, home(), NOW), Ok("alice".into()));
    assert_eq!(attempt(&mut nonces, &credentials, home(), NOW), Err(Denied::Replayed));
}

#[test]
fn a_nonce_that_is_old_or_anothers_is_stale_whatever_the_password() {
    let offered = &challenges()[0];
    let (right, wrong) = (ALICE, Phone { password: "rabbit", ..ALICE });
    let stranger = IpAddr::from([198, 51, 100, 9]);
    for phone in [right, wrong] {
        let credentials = phone.credentials(offered);
        assert_eq!(attempt(&mut nonces(), &credentials, home(), NOW + 301), Err(Denied::Stale));
        assert_eq!(attempt(&mut nonces(), &credentials, stranger, NOW), Err(Denied::Stale));
        let forged = phone.credentials(&offered.replace(param(offered, "nonce").unwrap(), "abc"));
        assert_eq!(attempt(&mut nonces(), &forged, home(), NOW), Err(Denied::Stale));
    }
    let again = refuse(Denied::Stale, &realm(), &register("b"), &HeaderName::Authorization, home(), NOW);
    assert!(
        again.headers().all(&HeaderName::WwwAuthenticate).all(|value| param(&value, "stale") == Some("true"))
    );
}

#[test]
fn credentials_for_another_uri_or_with_parts_missing_are_malformed() {
    let offered = &challenges()[0];
    let good = ALICE.credentials(offered);
    let foreign = Phone { uri: "sip:bank.example", ..ALICE }.credentials(offered);
    let cases = [
        foreign,
        good.replace("username=", "user="),
        good.replace("response=", "resp="),
        good.replace(" nonce=", " once="),
        good.replace("uri=", "url="),
        good.replace("cnonce=", "c="),
        good.replace("nc=", "n="),
        good.replace("qop=auth", "qop=auth-int"),
        good.replace("SHA-256", "SHA-1"),
        good.replace("\"alice\"", &format!("\"{}\"", "a".repeat(300))),
    ];
    for credentials in cases {
        assert_eq!(
            attempt(&mut nonces(), &credentials, home(), NOW),
            Err(Denied::Malformed),
            "{credentials}"
        );
    }
    let answer = refuse(Denied::Malformed, &realm(), &register("b"), &HeaderName::Authorization, home(), NOW);
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
}

#[test]
fn a_uri_that_is_equivalent_to_the_request_uri_will_do() {
    let phone = Phone { uri: "sip:Trunkline.EXAMPLE", ..ALICE };
    assert_eq!(attempt(&mut nonces(), &phone.credentials(&challenges()[0]), home(), NOW), Ok("alice".into()));
}

#[test]
fn credentials_for_other_realms_are_passed_over() {
    let foreign = ALICE.credentials(&challenges()[0].replace("trunkline.example", "bank.example"));
    assert_eq!(attempt(&mut nonces(), &foreign, home(), NOW), Err(Denied::Missing));
    let mut request = register("z9hG4bK2");
    request.headers_mut().push(HeaderName::ProxyAuthorization, &foreign);
    request.headers_mut().push(HeaderName::ProxyAuthorization, ALICE.credentials(&challenges()[1]));
    request.headers_mut().push(HeaderName::ProxyAuthorization, ALICE.credentials(&challenges()[0]));
    let claim = Claim::of(&realm(), &request, &HeaderName::ProxyAuthorization).unwrap();
    assert_eq!(claim.user(), "alice");
    assert!(claim.prove(&realm(), home(), password_of, &mut nonces(), NOW).is_ok());
    assert_eq!(Claim::of(&realm(), &request, &HeaderName::Authorization).unwrap_err(), Denied::Missing);
}

#[test]
fn phones_behind_one_address_get_nonces_of_their_own_and_a_retransmission_the_same() {
    let of = |branch: &str| challenge(&realm(), &register(branch), home(), NOW, false);
    assert_ne!(of("z9hG4bK1"), of("z9hG4bK2"));
    assert_eq!(of("z9hG4bK1"), of("z9hG4bK1"));
}

#[test]
fn a_challenge_goes_where_the_credentials_are_expected_and_is_no_amplifier() {
    let request = register("z9hG4bK1");
    let by = |header| refuse(Denied::Missing, &realm(), &request, &header, home(), NOW);
    assert_eq!(by(HeaderName::Authorization).status(), StatusCode::UNAUTHORIZED);
    let proxy = by(HeaderName::ProxyAuthorization);
    assert_eq!(proxy.status(), StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    assert_eq!(proxy.headers().all(&HeaderName::ProxyAuthenticate).count(), 2);
    assert!(proxy.headers().to().unwrap().tag().is_some());
    assert!(proxy.to_bytes().len() <= 3 * request.to_bytes().len());
}

#[test]
fn a_realm_with_quotes_is_quoted() {
    let odd = Realm { name: r#"a"b\c"#.into(), ..realm() };
    let offered = challenge(&odd, &register("z9hG4bK1"), home(), NOW, false);
    assert!(offered[0].starts_with(r#"Digest realm="a\"b\\c", nonce="#), "{}", offered[0]);
}

#[test]
fn an_agent_that_fails_on_what_it_does_not_know_is_offered_md5_alone() {
    for (agent, offered) in [
        (Some("baresip v1.0.0 (x86_64/linux)"), &["MD5"][..]),
        (Some("baresip v3.10.0 (x86_64/linux)"), &["SHA-256", "MD5"]),
        (None, &["MD5"]),
    ] {
        let mut request = register("z9hG4bKagent");
        request.headers_mut().remove(&HeaderName::UserAgent);
        agent.into_iter().for_each(|agent| request.headers_mut().push(HeaderName::UserAgent, agent));
        let values = challenge(&realm(), &request, home(), NOW, false);
        let algorithms: Vec<_> = values.iter().filter_map(|value| param(value, "algorithm")).collect();
        assert_eq!(algorithms, offered, "{agent:?}");
    }
}

#[test]
fn a_phone_may_name_the_switch_alone_as_what_it_asks_of() {
    let mut request = register("z9hG4bKalone");
    let called = Uri::sip(Some("bob"), Host::Name("trunkline.example".into()), None);
    request.set_uri(called);
    request.headers_mut().push(HeaderName::Authorization, ALICE.credentials(&challenges()[0]));
    let claim = Claim::of(&realm(), &request, &HeaderName::Authorization);
    assert_eq!(claim.map(|claim| claim.user().to_owned()), Ok("alice".to_owned()));
}
