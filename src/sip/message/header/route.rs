//! Route and Record-Route: the proxies between the parties (RFC 3261 §20.30, §20.34).
//! Their order must never change here; turning it round is the dialog's business.

use super::{HeaderError, HeaderName, Within};
use crate::sip::message::grammar::read_list;
use crate::sip::message::{Headers, NameAddr};

impl Headers {
    /// The proxies to visit, in order.
    pub fn routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.addresses(HeaderName::Route)
    }

    /// The proxies that want to stay on the way, the last one first.
    pub fn record_routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.addresses(HeaderName::RecordRoute)
    }

    /// All addresses of any header that is a list of them, such as P-Asserted-Identity or Path.
    pub fn addresses(&self, name: HeaderName) -> Result<Vec<NameAddr>, HeaderError> {
        let mut addresses = Vec::new();
        for value in self.all(&name) {
            addresses.append(&mut read_list(&value, NameAddr::read).within(name.clone())?);
        }
        Ok(addresses)
    }
}
