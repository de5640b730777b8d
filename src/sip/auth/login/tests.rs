//! A leg that is challenged, and the challenger: our own server side, and challenges of others as text.
//! It must never hand the prover anything but the refusal on the wire.

use std::time::Duration;

use super::*;
use crate::sip::auth::{NonceTable, Realm, challenge, verify};
use crate::sip::message::{CSeq, Host, Method, NameAddr, Uri};

const NOW: u64 = 1_700_000_000;

fn invite() -> Request {
    let uri = Uri::sip(Some("+15551234"), Host::Name("carrier.example".into()), None);
    let mut request = Request::new(Method::Invite, uri.clone());
    let headers = request.headers_mut();
    headers.push(HeaderName::Via, "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1");
    headers.push(HeaderName::From, NameAddr::new(uri.clone()).with_tag("1"));
    headers.push(HeaderName::To, NameAddr::new(uri));
    headers.push(HeaderName::CallId, "1@192.0.2.9");
    headers.push(HeaderName::CSeq, CSeq { number: 1, method: Method::Invite });
    headers.push(HeaderName::UserAgent, "Trunkline");
    request
}

fn login(password: &str) -> Proofs {
    Proofs::new(Login { user: "trunk".into(), password: password.into(), realm: None })
}

fn refusal(request: &Request, status: StatusCode, challenges: &[&str]) -> Response {
    let mut response = request.response(status);
    let name = match status {
        StatusCode::UNAUTHORIZED => HeaderName::WwwAuthenticate,
        _ => HeaderName::ProxyAuthenticate,
    };
    challenges.iter().for_each(|value| response.headers_mut().push(name.clone(), value));
    response
}

fn written(request: &Request, name: &HeaderName) -> Vec<String> {
    request.headers().all(name).map(|value| value.into_owned()).collect()
}

#[test]
fn what_is_signed_for_our_own_challenge_is_accepted_request_after_request() {
    let realm = Realm { name: "carrier.example".into(), secret: [7; 32], lifetime: Duration::from_secs(300) };
    let source = [192, 0, 2, 9].into();
    let mut request = invite();
    let asked = challenge(&realm, &request, source, NOW, false);
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let (mut proofs, mut minter) = (login("secret"), Minter::new([1; 16]));
    proofs.challenged(&refusal(&request, StatusCode::UNAUTHORIZED, &asked)).expect("worth a try");
    let password_of = |user: &str| (user == "trunk").then(|| "secret".to_owned());
    let mut nonces = NonceTable::new(10, Duration::from_secs(300));
    for count in ["00000001", "00000002"] {
        proofs.sign(&mut request, &mut minter);
        let [value] = &written(&request, &HeaderName::Authorization)[..] else { panic!("one proof") };
        assert!(value.contains("algorithm=SHA-256") && value.contains(&format!("nc={count}")), "{value}");
        let judged =
            verify(&realm, &request, &HeaderName::Authorization, source, password_of, &mut nonces, NOW);
        assert!(judged.is_ok(), "{judged:?}");
    }
}

#[test]
fn each_realm_on_the_way_is_answered_in_its_own_header() {
    let request = invite();
    let mut proofs = login("secret");
    let proxy = r#"Digest realm="edge", nonce="n1", algorithm=MD5, qop="auth,auth-int", opaque="o""#;
    let callee = r#"Digest realm="core", nonce="n2""#;
    for (status, value) in
        [(StatusCode::PROXY_AUTHENTICATION_REQUIRED, proxy), (StatusCode::UNAUTHORIZED, callee)]
    {
        proofs.challenged(&refusal(&request, status, &[value])).expect("worth a try");
    }
    let mut signed = request.clone();
    proofs.sign(&mut signed, &mut Minter::new([1; 16]));
    let to_proxy = written(&signed, &HeaderName::ProxyAuthorization);
    let to_callee = written(&signed, &HeaderName::Authorization);
    assert_eq!((to_proxy.len(), to_callee.len()), (1, 1));
    assert!(to_proxy[0].contains(r#"realm="edge""#) && to_proxy[0].contains(r#"opaque="o""#), "{to_proxy:?}");
    assert!(to_callee[0].contains(r#"realm="core""#) && !to_callee[0].contains("qop"), "{to_callee:?}");
    assert!(!to_proxy[0].contains("secret") && !format!("{proofs:?}").contains("secret"));
}

#[test]
fn a_wrong_password_is_tried_once_and_an_old_nonce_once_more() {
    let request = invite();
    let ask = |nonce: &str, stale: &str| {
        let value = format!(r#"Digest realm="core", nonce="{nonce}", algorithm=SHA-256, qop="auth"{stale}"#);
        refusal(&request, StatusCode::UNAUTHORIZED, &[&value])
    };
    let mut proofs = login("wrong");
    assert_eq!(proofs.challenged(&ask("n1", "")), Ok(()));
    assert_eq!(proofs.challenged(&ask("n2", "")), Err(Unanswerable::Refused));
    assert_eq!(proofs.challenged(&ask("n2", ", stale=TRUE")), Ok(()));
    assert_eq!(proofs.challenged(&ask("n2", ", stale=true")), Err(Unanswerable::Refused));
}

#[test]
fn a_login_is_for_its_realm_and_for_algorithms_that_are_known() {
    let request = invite();
    let mut bound = Proofs::new(Login {
        user: "trunk".into(),
        password: "secret".into(),
        realm: Some("carrier.example".into()),
    });
    for stranger in [
        r#"Digest realm="elsewhere.example", nonce="n""#,
        r#"Digest realm="carrier.example", nonce="n", algorithm=MD5-sess"#,
        r#"Digest realm="carrier.example", nonce="n", qop="auth-int""#,
        r#"Digest realm="carrier.example", nonce="a\"b""#,
        r#"Digest realm="carrier.example""#,
        r#"Basic realm="carrier.example""#,
    ] {
        let refusal = refusal(&request, StatusCode::UNAUTHORIZED, &[stranger]);
        assert_eq!(bound.challenged(&refusal), Err(Unanswerable::Unknown), "{stranger}");
    }
    assert_eq!(
        bound.challenged(&refusal(
            &request,
            StatusCode::UNAUTHORIZED,
            &[
                r#"Digest realm="carrier.example", nonce="n", algorithm=MD5"#,
                r#"Digest realm="carrier.example", nonce="n", algorithm=SHA-256"#,
            ],
        )),
        Ok(())
    );
    let mut signed = request;
    bound.sign(&mut signed, &mut Minter::new([1; 16]));
    assert!(written(&signed, &HeaderName::Authorization)[0].contains("SHA-256"));
}
