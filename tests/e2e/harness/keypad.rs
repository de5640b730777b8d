//! A telephone's keys over a line that loses packets: RTP by hand, for a call whose signalling is somebody else's.
//! It must never send a packet that a telephone would not.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// G.711 µ-law, and telephone events as the scenarios offer them.
const SOUND: u8 = 0;
const EVENT: u8 = 101;
/// Samples of a frame of 20 ms.
const FRAME: u16 = 160;
/// Frames of a press, of the repeats of its end, and of the pause after it.
const PRESS: u16 = 5;
const ENDS: usize = 3;
const PAUSE: usize = 4;

/// Where a call's sound comes to.
#[derive(Debug)]
pub struct Keypad {
    socket: UdpSocket,
    switch: Option<SocketAddr>,
    next: Instant,
    sequence: u16,
    timestamp: u32,
    /// One packet in so many is lost; zero: none.
    loss: u32,
    chance: u32,
}

impl Keypad {
    /// At this port, on a line that loses one packet in `loss`, always the same ones.
    pub fn new(port: u16, loss: u32) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is ours");
        Self { socket, switch: None, next: Instant::now(), sequence: 1, timestamp: 1000, loss, chance: 4733 }
    }

    /// What an INVITE offers for it.
    pub fn sdp(&self) -> String {
        let port = self.socket.local_addr().expect("it is bound").port();
        format!(
            "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio {port} RTP/AVP {SOUND} {EVENT}\n\
             a=rtpmap:{SOUND} PCMU/8000\na=rtpmap:{EVENT} telephone-event/8000\na=fmtp:{EVENT} 0-15"
        )
    }

    /// Waits until the switch sends, speaks for a moment, presses these keys one after the other, and goes on
    /// speaking for a moment.
    pub fn press(&mut self, keys: &str, limit: Duration) {
        self.socket.set_read_timeout(Some(limit)).expect("a limit is not zero");
        let (_, switch) = self.socket.recv_from(&mut [0; 2048]).expect("the switch sends");
        self.switch = Some(switch);
        self.next = Instant::now();
        self.speak(25);
        for key in keys.chars() {
            let event = "0123456789*#".find(key).expect("a key of a telephone");
            self.event(u8::try_from(event).expect("there are twelve"));
            self.speak(PAUSE);
        }
        self.speak(25);
    }

    fn speak(&mut self, frames: usize) {
        for _ in 0..frames {
            self.send(SOUND, false, self.timestamp, &[0xFF; FRAME as usize]);
            self.timestamp += u32::from(FRAME);
        }
    }

    /// RFC 4733 §2.5.1: one timestamp for the whole press, and its end three times.
    fn event(&mut self, event: u8) {
        let begin = self.timestamp;
        let payload = |frames: u16, end: u8| {
            let [high, low] = (frames * FRAME).to_be_bytes();
            [event, end | 10, high, low]
        };
        for frames in 1..PRESS {
            self.send(EVENT, frames == 1, begin, &payload(frames, 0));
        }
        for _ in 0..ENDS {
            self.send(EVENT, false, begin, &payload(PRESS, 0x80));
        }
        self.timestamp += u32::from(FRAME) * (u32::from(PRESS) + ENDS as u32 - 1);
    }

    fn send(&mut self, kind: u8, is_marked: bool, timestamp: u32, payload: &[u8]) {
        self.next += Duration::from_millis(20);
        std::thread::sleep(self.next.saturating_duration_since(Instant::now()));
        let mut packet = vec![0x80, kind | if is_marked { 0x80 } else { 0 }];
        packet.extend_from_slice(&self.sequence.to_be_bytes());
        packet.extend_from_slice(&timestamp.to_be_bytes());
        packet.extend_from_slice(&0x4733_4733_u32.to_be_bytes());
        packet.extend_from_slice(payload);
        self.sequence = self.sequence.wrapping_add(1);
        if !self.is_lost() {
            let switch = self.switch.expect("it was heard of");
            self.socket.send_to(&packet, switch).expect("loopback takes a datagram");
        }
    }

    fn is_lost(&mut self) -> bool {
        // The generator of Numerical Recipes; its upper bits are good enough for a line.
        self.chance = self.chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.loss > 0 && (self.chance >> 16).is_multiple_of(self.loss)
    }
}
