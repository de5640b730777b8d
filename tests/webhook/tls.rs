//! TLS: certificates that are right, and those that are wrong in each of the ways that have a code.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use trunkline::config;
use trunkline::webhook::{Content, Webhooks};

use crate::server::{Act, Server, account, post, twiml};

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    /// Webhooks that trust it.
    fn webhooks(&self) -> Webhooks {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).expect("a certificate");
        let settings = config::Webhooks {
            allow: ["127.0.0.0/8", "::1/128"].map(|network| network.parse().expect("a network")).to_vec(),
            ..config::Webhooks::default()
        };
        Webhooks::with_roots(&settings, account(), Vec::new(), roots).expect("webhooks")
    }

    /// A server with a certificate of this authority; tells which name was asked for.
    async fn server(
        &self,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (SocketAddr, Arc<std::sync::Mutex<Vec<Option<String>>>>) {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("parameters");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions");
        let tls =
            tls.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).expect("a pair");
        let (acceptor, listener) = (TlsAcceptor::from(Arc::new(tls)), TcpListener::bind("127.0.0.1:0").await);
        let listener = listener.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let names = Arc::new(std::sync::Mutex::new(Vec::new()));
        let log = Arc::clone(&names);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let name = stream.get_ref().1.server_name().map(str::to_owned);
                log.lock().expect("no test panics with it").push(name);
                let mut request = [0; 4096];
                drop(stream.read(&mut request).await);
                drop(stream.write_all(&twiml("")).await);
                drop(stream.shutdown().await);
            }
        });
        (address, names)
    }
}

#[tokio::test]
async fn a_good_certificate_is_accepted_and_its_name_is_told_beforehand_unless_the_url_says_no() {
    let authority = Authority::new();
    let (address, names) = authority.server(|_| {}).await;
    let webhooks = authority.webhooks();
    for fragment in ["", "#sni=n", "#sni=y"] {
        let url = format!("https://localhost:{}/{fragment}", address.port());
        let reply = webhooks.fetch(post(url, &[])).await.expect("a document");
        assert_eq!(reply.content, Content::Twiml("<Response></Response>".into()));
    }
    let told = names.lock().expect("no test panics with it").clone();
    let name = Some("localhost".to_owned());
    assert_eq!(told, [name.clone(), None, name]);
}

#[tokio::test]
async fn a_bad_certificate_has_the_code_of_what_is_bad() {
    let authority = Authority::new();
    let (expired, _) = authority.server(|params| params.not_after = date_time_ymd(2020, 1, 1)).await;
    let (early, _) = authority.server(|params| params.not_before = date_time_ymd(4000, 1, 1)).await;
    let (other, _) = authority
        .server(|params| {
            *params = CertificateParams::new(vec!["other.example".to_owned()]).expect("parameters")
        })
        .await;
    let (strange, _) = Authority::new().server(|_| {}).await;
    let webhooks = authority.webhooks();
    for (address, code) in [(expired, 11_236), (early, 11_236), (other, 11_235), (strange, 11_237)] {
        let url = format!("https://localhost:{}/#rc=0", address.port());
        let error = webhooks.fetch(post(url, &[])).await.expect_err("a bad certificate");
        assert_eq!(error.code, code, "{error}");
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_11220_and_one_that_never_answers_the_handshake_costs_no_more_than_its_time()
 {
    let webhooks = Authority::new().webhooks();
    let plain = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let port = plain.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
        }
    });
    let error =
        webhooks.fetch(post(format!("https://localhost:{port}/#rc=0"), &[])).await.expect_err("no TLS");
    assert_eq!(error.code, 11_220, "{error}");
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let port = silent.local_addr().expect("bound").port();
    let began = tokio::time::Instant::now();
    let error = webhooks
        .fetch(post(format!("https://localhost:{port}/#ct=300&rc=0"), &[]))
        .await
        .expect_err("silence");
    assert_eq!(error.code, 11_201, "{error}");
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_redirect_may_lead_from_http_to_https() {
    let authority = Authority::new();
    let (secure, _) = authority.server(|_| {}).await;
    let location = format!("Location: https://localhost:{}/\r\n", secure.port());
    let plain = Server::start(move |_| Act::Say(crate::server::answer("308 Moved", &location, ""))).await;
    let reply = authority.webhooks().fetch(post(plain.url("/"), &[])).await.expect("a document");
    assert_eq!(reply.url, format!("https://localhost:{}/", secure.port()));
}
