//! STUB
use crate::sip::flow::Flow;
/// STUB
#[derive(Default)]
pub struct SipTrace;
impl SipTrace {
    /// STUB
    pub fn sent(&self, _: &Flow, _: &[u8]) {}
    /// STUB
    pub fn received(&self, _: &Flow, _: &[u8]) {}
    /// STUB
    pub fn set(&self, _: bool, _: Option<std::net::IpAddr>) {}
}
/// STUB
pub fn install(_: &crate::config::Log) {}
