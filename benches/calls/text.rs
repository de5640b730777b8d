//! SIP as the load tool speaks it: text put together by hand, and headers found by their canonical names.
//! It must never become a parser: its peer is the switch, and its own time is not what is measured.

use std::fmt::Display;
use std::net::SocketAddr;

/// The value of the first header of this name.
pub fn field<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    fields(message, name).next()
}

/// The values of all headers of this name.
pub fn fields<'a>(message: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let head = message.split("\r\n\r\n").next().unwrap_or_default();
    let named = move |line: &'a str| line.strip_prefix(name)?.strip_prefix(": ");
    head.split("\r\n").skip(1).filter_map(named)
}

/// The URI between angle brackets.
pub fn uri(value: &str) -> Option<&str> {
    Some(value.split_once('<')?.1.split_once('>')?.0)
}

/// Where the sender of this message wants to hear audio.
pub fn hears_at(message: &str) -> Option<SocketAddr> {
    let line = |name: &str| message.lines().find_map(|line| line.strip_prefix(name));
    let port = line("m=audio ")?.split(' ').next()?.parse().ok()?;
    Some(SocketAddr::new(line("c=IN IP4 ")?.trim().parse().ok()?, port))
}

/// What identifies a request; the number is that of the call or registration in the load.
pub struct Request<'a> {
    pub method: &'a str,
    pub uri: &'a str,
    pub number: usize,
    pub sequence: u32,
    pub from: &'a str,
    /// The value of To, with the tag that the far end gave.
    pub to: &'a str,
    pub local: SocketAddr,
}

impl Request<'_> {
    /// The request with these further headers and body, each header with its line end.
    pub fn text(&self, headers: impl Display, body: &str) -> String {
        let Request { method, uri, number, sequence, from, to, local } = self;
        format!(
            "{method} {uri} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {local};branch=z9hG4bK{method}{number}x{sequence};rport\r\n\
             Max-Forwards: 70\r\n\
             From: <{from}>;tag=f{number}\r\n\
             To: {to}\r\n\
             Call-ID: {number}@bench\r\n\
             CSeq: {sequence} {method}\r\n\
             {headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
    }
}

/// The number in the Call-ID of one of our own requests.
pub fn number(message: &str) -> Option<usize> {
    field(message, "Call-ID")?.strip_suffix("@bench")?.parse().ok()
}

/// The response to a request, with these further headers and body.
pub fn response(request: &str, status: &str, headers: impl Display, body: &str) -> Option<String> {
    let vias: String = fields(request, "Via").map(|via| format!("Via: {via}\r\n")).collect();
    let [from, to, call, sequence] = ["From", "To", "Call-ID", "CSeq"].map(|name| field(request, name));
    let (to, tag) = (to?, if to?.contains(";tag=") { "" } else { ";tag=callee" });
    Some(format!(
        "SIP/2.0 {status}\r\n{vias}From: {}\r\nTo: {to}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         {headers}Content-Length: {}\r\n\r\n{body}",
        from?,
        call?,
        sequence?,
        body.len()
    ))
}

/// A session description: µ-law and digits, heard here.
pub fn audio(hears: SocketAddr) -> String {
    let (ip, port) = (hears.ip(), hears.port());
    format!(
        "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"
    )
}
