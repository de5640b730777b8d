//! A socket that sends SIP by hand, for what no well-behaved peer says.
//! It must never do anything that the story did not write.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Not a user agent: bytes out, bytes in.
#[derive(Debug)]
pub struct Probe {
    socket: UdpSocket,
    switch: SocketAddr,
}

impl Probe {
    pub fn new(port: u16, switch: SocketAddr) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is ours");
        Self { socket, switch }
    }

    pub fn send(&self, bytes: impl AsRef<[u8]>) {
        self.socket.send_to(bytes.as_ref(), self.switch).expect("loopback takes a datagram");
    }

    /// The next datagram, if one comes in time.
    pub fn receive(&self, limit: Duration) -> Option<String> {
        let mut buffer = vec![0; 65_535];
        self.socket.set_read_timeout(Some(limit.max(Duration::from_millis(1)))).expect("a limit is not zero");
        // A refusal (ICMP) while the switch starts counts as silence.
        let (length, _) = self.socket.recv_from(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    /// The status of the first final response that comes in time.
    pub fn final_status(&self, limit: Duration) -> Option<u16> {
        let end = Instant::now() + limit;
        loop {
            let left = end.checked_duration_since(Instant::now())?;
            let text = self.receive(left)?;
            let status = text.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)?.parse().ok());
            if let Some(status) = status.filter(|&status: &u16| status >= 200) {
                return Some(status);
            }
        }
    }

    /// A request without a body. `more` are further header lines, each with its line end.
    pub fn request(&self, method: &str, to: &str, id: &str, more: &str) -> String {
        let own = self.socket.local_addr().expect("it is bound");
        let switch = self.switch;
        format!(
            "{method} sip:{to}@{switch} SIP/2.0\r\n\
             Via: SIP/2.0/UDP {own};rport;branch=z9hG4bK-{id}\r\n\
             Max-Forwards: 70\r\n\
             From: <sip:probe@{own}>;tag={id}\r\n\
             To: <sip:{to}@{switch}>\r\n\
             Call-ID: {id}@{own}\r\n\
             CSeq: 1 {method}\r\n\
             Contact: <sip:probe@{own}>\r\n\
             {more}Content-Length: 0\r\n\r\n"
        )
    }
}
