use super::*;
use crate::twiml::verb::rows::{hold, only_dial, only_noun};
use crate::twiml::verb::{Method, Noun, Progress};

fn client(identity: &str) -> Client {
    Client { identity: identity.into(), parameters: vec![], hooks: Hooks::default() }
}

fn dialled(noun: &str) -> (Client, Vec<u32>) {
    match only_noun(&format!("<Dial>{noun}</Dial>")) {
        (Noun::Client(client), codes) => (client, codes),
        (noun, _) => panic!("a Client is wanted, not {noun:?}"),
    }
}

#[test]
fn each_attribute_has_its_default_and_its_code() {
    hold(
        |given| dialled(&format!("<Client {given}>alice</Client>")),
        client("alice"),
        &[
            ("url='/screen'", |client| client.hooks.url = Some("/screen".into()), &[]),
            ("url=''", |_| {}, &[]),
            ("method='POST'", |_| {}, &[]),
            ("method='GET'", |client| client.hooks.method = Method::Get, &[]),
            ("method='PUT'", |_| {}, &[12_200]),
            (
                "statusCallback='/s'",
                |client| {
                    client.hooks.status_callback = Some("/s".into());
                    client.hooks.status_callback_event = vec![Progress::Completed];
                },
                &[],
            ),
            (
                "statusCallback='/s' statusCallbackMethod='get' statusCallbackEvent='Initiated  ringing\n answered'",
                |client| {
                    client.hooks.status_callback = Some("/s".into());
                    client.hooks.status_callback_method = Method::Get;
                    client.hooks.status_callback_event =
                        vec![Progress::Initiated, Progress::Ringing, Progress::Answered];
                },
                &[],
            ),
            (
                "statusCallback='/s' statusCallbackEvent='sleeping'",
                |client| {
                    client.hooks.status_callback = Some("/s".into());
                    client.hooks.status_callback_event = vec![Progress::Completed];
                },
                &[12_200],
            ),
            ("statusCallbackMethod='PUT'", |_| {}, &[12_200]),
            ("statusCallbackEvent='ringing'", |_| {}, &[]),
            ("sendDigits='1'", |_| {}, &[12_200]),
        ],
    );
}

#[test]
fn an_identity_is_text_or_an_element_among_parameters() {
    assert_eq!(dialled("<Client>\n alice \n</Client>"), (client("alice"), vec![]));
    let body = "<Client><Identity>\n bob </Identity><Parameter name='team' value='red &amp; blue'/>\
                <Parameter name='empty'/></Client>";
    let parameters = vec![("team".into(), "red & blue".into()), ("empty".into(), String::new())];
    assert_eq!(dialled(body), (Client { parameters, ..client("bob") }, vec![]));
    assert_eq!(
        dialled("<Client>bob<Parameter name='a b' value='x'/></Client>"),
        (client("bob"), vec![12_200])
    );
    assert_eq!(dialled("<Client>bob<Parameter value='x'/></Client>").1, [12_200], "without a name");
    assert_eq!(dialled("<Client>bob<Say>x</Say></Client>"), (client("bob"), vec![12_200]));
    let many = format!("<Client>bob{}</Client>", "<Parameter name='a'/>".repeat(33));
    assert_eq!(dialled(&many).0.parameters.len(), 32);
}

#[test]
fn what_cannot_stand_in_an_address_is_no_identity() {
    for identity in
        ["", "al ice", "alice@example.com", "alice;x", "al&lt;ice", "alice&#10;bob", &"a".repeat(122)]
    {
        let body = format!("<Dial><Client>{identity}</Client></Dial>");
        let (dial, codes) = only_dial(&body);
        assert_eq!((dial.nouns, codes), (vec![], vec![12_200, 13_000]), "{identity}");
    }
    assert_eq!(dialled(&format!("<Client>{}</Client>", "a".repeat(121))).1, Vec::<u32>::new());
}
