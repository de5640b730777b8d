//! What went over the loopback interface, and tshark as the judge of it.
//! It must never accuse the peers: only what the switch sent counts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::eventually;
use super::folder::Folder;
use super::process::{Process, tool};
use super::sound::Sound;

/// Where the switch sends from.
#[derive(Clone, Copy, Debug)]
pub struct Sources {
    pub sip: u16,
    /// First and last port of its media.
    pub media: (u16, u16),
    /// TLS hides where sound goes: it is known by its looks, not by what was agreed on.
    pub is_hidden: bool,
}

/// A capture under way.
#[derive(Debug)]
pub struct Wire {
    dumpcap: Process,
    file: PathBuf,
}

impl Wire {
    /// Captures all that goes from and to these ports over UDP and TCP.
    pub fn listen(folder: &Folder, (first, last): (u16, u16)) -> Self {
        let file = folder.path().join("wire.pcapng");
        let filter = format!("(udp or tcp) and portrange {first}-{last}");
        let arguments = ["-q", "-i", "lo", "-B", "64", "-f", &filter, "-w", &file.to_string_lossy()];
        let mut dumpcap = Process::start(&tool("dumpcap"), arguments, folder.path().join("dumpcap.log"));
        eventually("dumpcap captures on lo (it needs root or CAP_NET_RAW)", Duration::from_secs(20), || {
            assert!(dumpcap.ended().is_none(), "dumpcap: {}", dumpcap.log());
            dumpcap.log().contains("File:")
        });
        Self { dumpcap, file }
    }

    /// Ends the capture.
    pub fn close(mut self, folder: Folder, from: Sources) -> Capture {
        // The kernel hands packets over in blocks, a quarter of a second late at most.
        std::thread::sleep(Duration::from_millis(400));
        self.dumpcap.signal("INT");
        assert!(self.dumpcap.wait(Duration::from_secs(20)).success(), "dumpcap: {}", self.dumpcap.log());
        let log = self.dumpcap.log();
        let counts =
            log.lines().find_map(|line| line.split_once("dropped on interface")?.1.split_once("': "));
        let dropped = counts.and_then(|(_, counts)| counts.split(['/', ' ']).nth(1)).map(str::to_owned);
        assert_eq!(dropped.as_deref(), Some("0"), "the capture is not complete: {log}");
        Capture { file: self.file, from, _folder: folder }
    }
}

/// A capture to be asked.
#[derive(Debug)]
pub struct Capture {
    file: PathBuf,
    from: Sources,
    /// The file lies in there.
    _folder: Folder,
}

/// One stream of RTP that the switch sent.
#[derive(Debug)]
pub struct Stream {
    pub from: u16,
    pub to: u16,
    pub ssrc: String,
    pub packets: u64,
    pub lost: i64,
    /// The longest time between two packets.
    pub max_delta: Duration,
}

impl Capture {
    /// The fields of all packets that pass the display filter.
    pub fn rows(&self, filter: &str, fields: &[&str]) -> Vec<Vec<String>> {
        let mut arguments = vec!["-Y", filter, "-T", "fields", "-E", "separator=/t"];
        arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
        let text = self.tshark(&arguments);
        text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    }

    /// How many packets pass the display filter.
    pub fn count(&self, filter: &str) -> usize {
        self.rows(filter, &["frame.number"]).len()
    }

    /// Display filter for the SIP that the switch sent.
    pub fn our_sip(&self) -> String {
        // Of a stream, what the dissector has put together; the rest are pieces, and line ends that keep it alive.
        format!("(udp.srcport == {0} || (tcp.srcport == {0} && sip)) && !icmp", self.from.sip)
    }

    /// Display filter for the RTP and RTCP that the switch sent.
    pub fn our_media(&self) -> String {
        let (first, last) = self.from.media;
        format!("udp.srcport >= {first} && udp.srcport <= {last} && !icmp")
    }

    /// Display filter for the RTP and RTCP that its peers sent to the switch.
    pub fn their_media(&self) -> String {
        self.our_media().replace("srcport", "dstport")
    }

    /// When each packet of G.711 µ-law that passes the display filter went by, in seconds, and its sound.
    pub fn frames(&self, filter: &str) -> Vec<(f64, Sound)> {
        let rows =
            self.rows(&format!("{filter} && rtp.p_type == 0"), &["frame.time_relative", "rtp.payload"]);
        let frame = |row: Vec<String>| {
            let [time, payload] = &row[..] else { panic!("{row:?}") };
            let hex = payload.replace(':', "");
            let (pairs, _) = hex.as_bytes().as_chunks::<2>();
            let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
            let bytes: Vec<u8> = pairs.iter().map(|pair| byte(pair).expect("hexadecimal")).collect();
            (time.parse().expect("a time"), Sound::of_ulaw(&bytes))
        };
        rows.into_iter().map(frame).collect()
    }

    /// The streams of RTP that the switch sent.
    pub fn our_streams(&self) -> Vec<Stream> {
        let text = self.tshark(&["-q", "-z", "rtp,streams"]);
        let (first, last) = self.from.media;
        text.lines().filter_map(stream).filter(|stream| (first..=last).contains(&stream.from)).collect()
    }

    /// Fails unless everything that the switch sent is what it claims to be: SIP, SDP, RTP, RTCP, without a
    /// malformed message, an error or a warning, and no stream has a hole.
    pub fn judge(&self) {
        self.judge_packets();
        for stream in self.our_streams() {
            assert_eq!(stream.lost, 0, "the switch left a hole: {stream:?}");
        }
    }

    /// As [`Capture::judge`], of a switch that was dead for a while: a hole is all right, going back is not.
    pub fn judge_after_death(&self) {
        self.judge_packets();
        self.each_leg_keeps_its_ssrc();
        let filter = format!("{} && rtp", self.our_media());
        let mut last: BTreeMap<String, (u16, u32)> = BTreeMap::new();
        for row in self.rows(&filter, &["udp.srcport", "rtp.seq", "rtp.timestamp", "rtp.p_type"]) {
            let [port, sequence, timestamp, kind] = &row[..] else { panic!("{row:?}") };
            let sequence: u16 = sequence.parse().expect("a sequence number");
            let timestamp: u32 = timestamp.parse().expect("a timestamp");
            if let Some((before, then)) = last.insert(port.clone(), (sequence, timestamp)) {
                let step = sequence.wrapping_sub(before);
                assert!((1..0x8000).contains(&step), "port {port}: sequence {sequence} after {before}");
                // The packets of a key keep the time of its start.
                let goes_on = timestamp.wrapping_sub(then) < 0x8000_0000 || kind == "101";
                assert!(goes_on, "port {port}: timestamp {timestamp} after {then}");
            }
        }
    }

    fn judge_packets(&self) {
        let (sip, media) = (self.our_sip(), self.our_media());
        assert!(self.count(&format!("{sip} && sip")) > 0, "the switch sent no SIP: is anything captured?");
        let strange = format!("(({sip}) && !sip) || (({media}) && !rtp && !rtcp)");
        let wrong =
            format!("(({sip}) || ({media})) && (_ws.malformed || _ws.expert.severity >= \"Warning\")");
        let fields = ["frame.number", "_ws.expert.message", "_ws.col.Info"];
        for (what, filter) in [("neither SIP nor RTP", strange), ("malformed or doubtful", wrong)] {
            let rows = self.rows(&filter, &fields);
            let first = &rows[..rows.len().min(5)];
            assert!(rows.is_empty(), "{} packets of the switch are {what}: {first:#?}", rows.len());
        }
    }

    /// Fails unless each leg is one stream, whatever it sent. Not for stories so long that ports are used again.
    pub fn each_leg_keeps_its_ssrc(&self) {
        let streams = self.our_streams();
        for stream in &streams {
            let other = streams.iter().find(|other| other.from == stream.from && other.ssrc != stream.ssrc);
            assert!(other.is_none(), "a leg has two SSRCs: {stream:?}, {other:?}");
        }
    }

    /// Fails unless, from its second second on, each stream of sound is one frame of 20 ms after the other: whatever
    /// was not passed on would be missing in the timestamps. When a packet left is the scheduler's business.
    pub fn sound_is_whole(&self) {
        let filter = format!("{} && rtp && rtp.p_type < 9", self.our_media());
        let mut streams: BTreeMap<String, Vec<(f64, u32)>> = BTreeMap::new();
        for row in self.rows(&filter, &["udp.srcport", "frame.time_relative", "rtp.timestamp"]) {
            let [port, time, timestamp] = &row[..] else { panic!("{row:?}") };
            let time = time.parse().expect("a time");
            streams.entry(port.clone()).or_default().push((time, timestamp.parse().expect("a timestamp")));
        }
        assert!(!streams.is_empty(), "the switch sent no sound");
        for (port, frames) in streams {
            let settled = frames[0].0 + 1.0;
            let talk: Vec<u32> =
                frames.iter().filter(|frame| frame.0 > settled).map(|frame| frame.1).collect();
            let hole = talk.windows(2).find(|pair| pair[1].wrapping_sub(pair[0]) != 160);
            assert!(hole.is_none(), "port {port}: the sound has a hole at {hole:?}");
        }
    }

    fn tshark(&self, arguments: &[&str]) -> String {
        let by_looks = ["--enable-heuristic", "rtp_udp", "--enable-heuristic", "rtcp_udp"];
        let by_looks = if self.from.is_hidden { &by_looks[..] } else { &[] };
        let output = Command::new(tool("tshark"))
            .args(["-n", "-r"])
            .arg(&self.file)
            .args(["-d", &format!("udp.port=={},sip", self.from.sip)])
            .args(["-d", &format!("tcp.port=={},sip", self.from.sip)])
            .args(by_looks)
            .args(arguments)
            .output()
            .expect("tshark runs");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tshark {arguments:?}: {complaint}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// A line such as `0.1 2.3 127.0.0.1 4000 127.0.0.1 5000 0x1234 g711U 100 0 (0.0%) 19.9 20.0 20.9 …`.
fn stream(line: &str) -> Option<Stream> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let ssrc = words.iter().position(|word| word.starts_with("0x"))?;
    let lost = words.iter().position(|word| word.starts_with('('))?;
    let milliseconds: f64 = words.get(lost + 3)?.parse().ok()?;
    Some(Stream {
        from: words.get(ssrc.checked_sub(3)?)?.parse().ok()?,
        to: words.get(ssrc.checked_sub(1)?)?.parse().ok()?,
        ssrc: (*words.get(ssrc)?).to_owned(),
        packets: words.get(lost.checked_sub(2)?)?.parse().ok()?,
        lost: words.get(lost.checked_sub(1)?)?.parse().ok()?,
        max_delta: Duration::from_secs_f64(milliseconds.max(0.0) / 1000.0),
    })
}

#[test]
fn a_line_of_tsharks_table_is_read() {
    let line = "     0.015803     1.975736       127.0.0.1 20064       127.0.0.1 20164 0x9F2E4D3B            g711U    99     -1 (-1.0%)           19.876           20.000           20.211      0.001      0.011      0.043   X";
    let stream = stream(line).expect("it is a stream");
    assert_eq!((stream.from, stream.to, stream.packets, stream.lost), (20_064, 20_164, 99, -1));
    assert_eq!(stream.max_delta, Duration::from_micros(20_211));
}
