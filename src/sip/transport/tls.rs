//! TLS as both sides of it: our certificate, and the check of those of others (RFC 5922).
//! It must never accept a certificate that does not bear the name, unless the operator named the peer.

mod certificate;
#[cfg(test)]
mod tests;
mod unverified;

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

pub use self::certificate::Files;
use self::unverified::Unverified;
use crate::config;

/// Our certificate, and whom we believe. New connections take what is in force; those that are open keep theirs.
pub struct Tls {
    files: Option<Files>,
    server: Option<ArcSwap<ServerConfig>>,
    client: Arc<ClientConfig>,
    credulous: Arc<ClientConfig>,
    unverified: Vec<String>,
}

/// A certificate that was read with its key.
#[derive(Debug)]
pub struct Shown(Arc<ServerConfig>);

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{}: {error}", .path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{}: {what}", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Certificate and key do not belong together, or are of a kind that is not known.
    #[error("certificate and key cannot be used: {0}")]
    Unusable(#[from] rustls::Error),
    /// No certificate could be made.
    #[error("a certificate cannot be made: {0}")]
    Mint(#[from] rcgen::Error),
}

impl Tls {
    /// TLS as the settings say. With `files` connections can be accepted; where those are our own to make, they are
    /// made if they are missing. Blocks: it reads files.
    ///
    /// # Errors
    /// A file is missing or wrong.
    pub fn new(settings: &config::Tls, files: Option<Files>) -> Result<Self, TlsError> {
        let server = files.as_ref().map(server).transpose()?;
        let roots = roots(settings.authorities.as_deref())?;
        let checked = client_builder()?.with_root_certificates(roots).with_no_client_auth();
        let unchecked = client_builder()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Unverified::new(provider())))
            .with_no_client_auth();
        Ok(Self {
            files,
            server: server.map(ArcSwap::new),
            client: Arc::new(checked),
            credulous: Arc::new(unchecked),
            unverified: settings.unverified.clone(),
        })
    }

    /// Reads certificate and key anew, for [`Tls::show`]; none where we accept no connections. Blocks.
    ///
    /// # Errors
    /// They cannot be used.
    pub fn read(&self) -> Result<Option<Shown>, TlsError> {
        self.files.as_ref().map(|files| server(files).map(Shown)).transpose()
    }

    /// Connections that are accepted from now on see this certificate.
    pub fn show(&self, Shown(config): Shown) {
        if let Some(present) = &self.server {
            present.store(config);
        }
    }

    /// What accepts a connection; `None` where we have no certificate.
    pub fn acceptor(&self) -> Option<TlsAcceptor> {
        self.server.as_ref().map(|server| TlsAcceptor::from(server.load_full()))
    }

    /// What makes a connection to a peer that was looked up as `name`, a host name or an address, and the name that its
    /// certificate must bear; `None` where that can be no name of a host.
    pub fn connector(&self, name: &str) -> Option<(TlsConnector, ServerName<'static>)> {
        let is_unverified = self.unverified.iter().any(|listed| is_same(listed, name));
        let config = if is_unverified { &self.credulous } else { &self.client };
        let name = match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(ip) => ServerName::from(ip.to_canonical()),
            Err(_) => ServerName::try_from(name.trim_end_matches('.').to_owned()).ok()?,
        };
        Some((TlsConnector::from(Arc::clone(config)), name))
    }
}

fn is_same(listed: &str, name: &str) -> bool {
    let plain = |text: &str| text.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    plain(listed) == plain(name)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn server(files: &Files) -> Result<Arc<ServerConfig>, TlsError> {
    let (chain, key) = files.read()?;
    // TLS 1.2 and 1.3: rustls knows none of those before.
    let config = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_no_client_auth().with_single_cert(chain, key)?))
}

fn client_builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, TlsError> {
    Ok(ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?)
}

/// Whom the host trusts, and whom the operator does besides.
fn roots(authorities: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let of_host = rustls_native_certs::load_native_certs();
    for error in &of_host.errors {
        tracing::warn!(%error, "authorities of the host cannot be read");
    }
    roots.add_parsable_certificates(of_host.certs);
    if let Some(path) = authorities {
        let own = certificate::chain(path)?;
        for certificate in own {
            let added = roots.add(certificate);
            added.map_err(|error| TlsError::Content { path: path.to_owned(), what: error.to_string() })?;
        }
    }
    Ok(roots)
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.files)
            .field("unverified", &self.unverified)
            .finish_non_exhaustive()
    }
}
