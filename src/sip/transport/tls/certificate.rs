//! Certificate and key as files: those of the operator, or a pair of our own, signed by itself.
//! It must never write over a file of the operator, nor leave a key that others can read.

use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;

use super::{CertificateDer, PemObject as _, TlsError};
use crate::config::{Config, files};

/// Where certificate and key are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    certificate: PathBuf,
    key: PathBuf,
    /// The names of a certificate that is ours to make; `None`: the files are the operator's.
    names: Option<Vec<String>>,
}

impl Files {
    /// The files of the configuration. `addresses` are names of the certificate, should we make it.
    pub fn of(config: &Config, addresses: &[std::net::IpAddr]) -> Self {
        let tls = &config.sip.tls;
        match (&tls.certificate, &tls.key) {
            (Some(certificate), Some(key)) => {
                Self { certificate: certificate.clone(), key: key.clone(), names: None }
            }
            _ => {
                let mut names: Vec<String> = config.sip.domain.iter().cloned().collect();
                names.push("localhost".to_owned());
                names.extend(addresses.iter().map(ToString::to_string));
                let folder = config.data.folder.join("tls");
                let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
                Self { certificate, key, names: Some(names) }
            }
        }
    }

    /// Our certificate with those above it, and its key; a pair that is ours to make is made if it is not there.
    pub(super) fn read(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        if let Some(names) = &self.names
            && !(self.certificate.exists() && self.key.exists())
        {
            self.mint(names)?;
        }
        let text = read(&self.key)?;
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes())
            .map_err(|error| content(&self.key, &format!("no private key in PEM: {error}")))?;
        Ok((chain(&self.certificate)?, key))
    }

    fn mint(&self, names: &[String]) -> Result<(), TlsError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = DistinguishedName::new();
        let name = names.first().map_or("trunkline", String::as_str);
        params.distinguished_name.push(DnType::CommonName, name);
        // It is trusted because somebody has looked at it once, and that holds until it is made anew. The last year
        // that every reader of such dates understands.
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2049, 12, 31));
        let certificate = params.self_signed(&key)?;
        write(&self.key, &key.serialize_pem())?;
        write(&self.certificate, &certificate.pem())?;
        let file = self.certificate.display();
        tracing::info!(%file, "made a certificate for TLS, signed by itself: telephones have to be told to trust it");
        Ok(())
    }
}

/// All certificates of a file, at least one.
pub(super) fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(content(path, "no certificate in PEM")),
        Ok(chain) => Ok(chain),
        Err(error) => Err(content(path, &format!("no certificate in PEM: {error}"))),
    }
}

fn read(path: &Path) -> Result<String, TlsError> {
    files::read(path).map_err(|error| TlsError::Disk { path: path.to_owned(), error })
}

fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    files::replace(path, text.as_bytes()).map_err(|error| TlsError::Disk { path: path.to_owned(), error })
}

fn content(path: &Path, what: &str) -> TlsError {
    TlsError::Content { path: path.to_owned(), what: what.to_owned() }
}
