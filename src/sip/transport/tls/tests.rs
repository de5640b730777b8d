use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::config::Config;

/// A data folder of this test alone, gone when it ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("trunkline-tls-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn config(&self) -> Config {
        let mut config = Config::default();
        config.data.folder = self.0.clone();
        config.sip.domain = Some("switch.example".to_owned());
        config
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn listening(config: &Config) -> Tls {
    let files = Files::of(config, &[[192, 0, 2, 1].into()]);
    Tls::new(&config.sip.tls, Some(files)).expect("a certificate is made")
}

/// What becomes of a connection from `client`, which looked `server` up as `name`.
async fn greet(server: &Tls, client: &Tls, name: &str) -> Result<CertificateDer<'static>, String> {
    let (near, far) = tokio::io::duplex(16 << 10);
    let acceptor = server.acceptor().expect("it has a certificate");
    let serving = async {
        let mut stream = acceptor.accept(far).await?;
        stream.write_all(b"welcome").await?;
        stream.shutdown().await
    };
    let (connector, name) = client.connector(name).expect("a name of a host");
    let asking = async {
        let mut stream = connector.connect(name, near).await?;
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await?;
        assert_eq!(heard, b"welcome");
        let seen = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first().cloned());
        io::Result::Ok(seen.expect("it has shown one"))
    };
    let (_, asked) = tokio::join!(serving, asking);
    asked.map_err(|error| error.to_string())
}

#[tokio::test]
async fn who_trusts_the_certificate_reaches_us_by_each_of_its_names_and_by_no_other() {
    let folder = Folder::new("names");
    let mut config = folder.config();
    let server = listening(&config);
    let stranger = Tls::new(&config.sip.tls, None).expect("no files are needed");
    let refused = greet(&server, &stranger, "switch.example").await.expect_err("signed by nobody");
    assert!(refused.contains("UnknownIssuer"), "{refused}");
    config.sip.tls.authorities = Some(folder.0.join("tls/certificate.pem"));
    let friend = Tls::new(&config.sip.tls, None).expect("it reads its authority");
    for name in ["switch.example", "SWITCH.example.", "localhost", "192.0.2.1"] {
        greet(&server, &friend, name).await.expect(name);
    }
    for name in ["other.example", "192.0.2.2", "sub.switch.example"] {
        let refused = greet(&server, &friend, name).await.expect_err(name);
        assert!(refused.contains("not valid for name"), "{name}: {refused}");
    }
}

#[tokio::test]
async fn a_peer_that_the_operator_named_is_reached_whatever_its_certificate_says() {
    let folder = Folder::new("unverified");
    let mut config = folder.config();
    let server = listening(&config);
    config.sip.tls.unverified = vec!["gw.lan".to_owned(), "2001:db8::1".to_owned()];
    let client = Tls::new(&config.sip.tls, None).expect("no files are needed");
    for name in ["GW.lan", "[2001:db8::1]"] {
        greet(&server, &client, name).await.expect(name);
    }
    greet(&server, &client, "switch.example").await.expect_err("it is not named");
}

#[tokio::test]
async fn a_certificate_is_made_once_and_a_reload_shows_another_to_new_connections() {
    let folder = Folder::new("reload");
    let mut config = folder.config();
    config.sip.tls.unverified = vec!["us".to_owned()];
    let server = listening(&config);
    let client = Tls::new(&config.sip.tls, None).expect("no files are needed");
    let first = greet(&server, &client, "us").await.expect("it is not checked");
    let key = folder.0.join("tls/key.pem");
    let mode = fs::metadata(&key).expect("it was made").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(greet(&listening(&config), &client, "us").await, Ok(first.clone()), "after a restart");
    fs::remove_file(&key).expect("it is there");
    server.show(server.read().expect("a new pair is made").expect("it accepts connections"));
    let second = greet(&server, &client, "us").await.expect("it is not checked");
    assert_ne!(first, second);
    fs::write(&key, "no key").expect("it is ours");
    let error = server.read().expect_err("that is no key").to_string();
    assert!(error.contains("key.pem: no private key in PEM"), "{error}");
    assert_eq!(greet(&server, &client, "us").await, Ok(second), "nothing else was shown");
}

#[test]
fn files_of_the_operator_are_never_made() {
    let folder = Folder::new("operator");
    let mut config = folder.config();
    let missing = folder.0.join("missing.pem");
    (config.sip.tls.certificate, config.sip.tls.key) = (Some(missing.clone()), Some(missing.clone()));
    let error = Tls::new(&config.sip.tls, Some(Files::of(&config, &[]))).expect_err("there are none");
    assert!(matches!(&error, TlsError::Disk { path, .. } if *path == missing), "{error}");
    assert!(!folder.0.exists());
}
