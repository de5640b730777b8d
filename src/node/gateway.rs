//! The gateway at work: where it is, which calls are its own, how a number behind it is dialled.
//! It must never lend its login to a call that goes elsewhere.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::house::House;
use crate::config;
use crate::routing::Numbers;
use crate::sip::auth::Login;
use crate::sip::message::Uri;

/// How often its name is looked up, and how long that may take.
const LOOK_UP: Duration = Duration::from_secs(60);
const PATIENCE: Duration = Duration::from_secs(3);
/// How long the start waits for its address.
const FIRST: Duration = Duration::from_millis(500);

/// The gateway of the configuration.
#[derive(Debug)]
pub struct Gateway {
    settings: config::Gateway,
    numbers: Numbers,
    /// Where its name leads to at present.
    addresses: ArcSwap<Vec<IpAddr>>,
}

impl Gateway {
    /// The gateway, if the configuration has one.
    pub fn of(settings: &config::Gateway) -> Option<Self> {
        let numbers = Numbers::read(&settings.numbers).unwrap_or_default();
        let settings = settings.clone();
        settings.is_there().then(|| Self { settings, numbers, addresses: ArcSwap::default() })
    }

    /// The address of a number that leaves by it.
    pub fn uri(&self, number: &str) -> Option<Uri> {
        self.numbers.contains(number).then(|| self.settings.uri(number)).flatten()
    }

    /// How it knows us.
    pub fn login(&self) -> Option<Login> {
        let config::Gateway { user, password, realm, .. } = &self.settings;
        let realm = Some(realm.clone()).filter(|realm| !realm.is_empty());
        let login = Login { user: user.clone(), password: password.reveal().to_owned(), realm };
        (!user.is_empty()).then_some(login)
    }

    /// The number that those outside see of `caller`; `None`: that one may not be shown.
    pub fn shown(&self, caller: &str, caller_is_at: Option<SocketAddr>) -> Option<String> {
        let came_in = caller_is_at.is_some_and(|peer| self.owns(peer.ip()));
        self.settings.shown(caller, came_in).map(str::to_owned)
    }

    /// Whether what comes from there is its own.
    pub fn owns(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.settings.sources.iter().any(|network| network.contains(ip))
            || self.addresses.load().iter().any(|own| own.to_canonical() == ip)
    }

    /// Whether its word on who calls is taken.
    pub fn is_trusted(&self) -> bool {
        self.settings.trusted
    }

    /// Goes on with what another one found out about the same address.
    pub(super) fn inherit(&self, before: &Self) {
        if self.settings.address == before.settings.address {
            self.addresses.store(before.addresses.load_full());
        }
    }

    /// Finds out where its name leads to at present.
    pub(super) async fn look_up(&self) {
        let Some((host, port)) = self.settings.uri("1").and_then(|uri| {
            let host = uri.host()?.to_string();
            Some((host.trim_matches(['[', ']']).to_owned(), uri.port().unwrap_or(5060)))
        }) else {
            return;
        };
        match tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host.as_str(), port))).await {
            Ok(Ok(found)) => {
                let mut found: Vec<IpAddr> = found.map(|address| address.ip()).collect();
                found.dedup();
                self.addresses.store(Arc::new(found));
            }
            // What was found before stays true until the name leads elsewhere.
            Ok(Err(error)) => tracing::warn!(host, %error, "the gateway's name cannot be looked up"),
            Err(_) => tracing::warn!(host, "the gateway's name is not found in time"),
        }
    }
}

/// Finds the gateway before anybody is listened to: its first calls are not those of a stranger. Its name may take longer.
pub(super) async fn find_first(house: &House) {
    let settings = house.settings.load_full();
    if let Some(gateway) = &settings.gateway {
        // Whoever looks up says so himself when nothing is found.
        drop(tokio::time::timeout(FIRST, gateway.look_up()).await);
    }
}

/// Follows the name of the gateway, whichever is in force, for as long as the node lives.
pub(super) fn follow(house: Arc<House>) {
    actix_rt::spawn(async move {
        loop {
            let settings = house.settings.load_full();
            if let Some(gateway) = &settings.gateway {
                gateway.look_up().await;
            }
            tokio::time::sleep(LOOK_UP).await;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    fn settings() -> config::Gateway {
        config::Gateway { address: "127.0.0.1:5080".into(), ..config::Gateway::default() }
    }

    #[test]
    fn without_an_address_there_is_none_and_a_number_that_is_not_its_own_has_no_address_behind_it() {
        assert!(Gateway::of(&config::Gateway::default()).is_none());
        let gateway = Gateway::of(&settings()).expect("there is one");
        let uri = gateway.uri("+15551234").map(|uri| uri.to_string());
        assert_eq!(uri.as_deref(), Some("sip:+15551234@127.0.0.1:5080;user=phone"));
        assert_eq!(gateway.uri("15551234"), None);
    }

    #[test]
    fn it_has_a_login_only_where_it_was_given_one() {
        assert_eq!(Gateway::of(&settings()).and_then(|gateway| gateway.login()), None);
        let known = config::Gateway { user: "us".into(), password: Secret::new("secret"), ..settings() };
        let login = Gateway::of(&known).and_then(|gateway| gateway.login()).expect("a login");
        assert_eq!((login.user.as_str(), login.password.as_str(), login.realm), ("us", "secret", None));
    }

    #[tokio::test]
    async fn one_that_is_taken_up_anew_knows_where_its_name_led_to() {
        let before = Gateway::of(&settings()).expect("there is one");
        before.look_up().await;
        let other = config::Gateway { address: "127.0.0.2".into(), user: "us".into(), ..settings() };
        for (settings, is_known) in
            [(config::Gateway { user: "us".into(), ..settings() }, true), (other, false)]
        {
            let after = Gateway::of(&settings).expect("there is one");
            after.inherit(&before);
            assert_eq!(after.owns([127, 0, 0, 1].into()), is_known, "{settings:?}");
        }
    }

    #[tokio::test]
    async fn its_own_address_and_its_networks_are_its_own() {
        let wide =
            config::Gateway { sources: vec!["203.0.113.0/24".parse().expect("a network")], ..settings() };
        let gateway = Gateway::of(&wide).expect("there is one");
        assert!(!gateway.owns([127, 0, 0, 1].into()), "nobody has looked yet");
        gateway.look_up().await;
        assert!(gateway.owns([127, 0, 0, 1].into()) && gateway.owns([203, 0, 113, 9].into()));
        assert!(!gateway.owns([203, 0, 114, 9].into()));
    }
}
