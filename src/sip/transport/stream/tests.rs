use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::DuplexStream;
use trunkline_media::moment::Moment;

use super::*;
use crate::config;
use crate::sip::message::Transport;
use crate::sip::transport::connections::{Connections, Place};
use crate::supervision::TokioClock;

const BYE: &str = "BYE sip:b SIP/2.0\r\nl: 3\r\n\r\nabc";

/// Runs a story on a thread of its own in virtual time.
fn virtually(story: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime.expect("a runtime"), story);
}

/// A connection in virtual time, and what its peer holds.
struct Bench {
    peer: DuplexStream,
    place: Place,
    task: tokio::task::JoinHandle<(Ending, Vec<Bytes>)>,
    clock: TokioClock,
}

fn bench(is_stranger: bool) -> Bench {
    let table = Arc::new(Connections::new(config::Connections::default(), 1));
    let remote: SocketAddr = ([198, 51, 100, 7], 40_000).into();
    let mut place = table.accept(Transport::Tcp, ([192, 0, 2, 1], 5060).into(), remote).expect("room");
    let (peer, stream) = tokio::io::duplex(1_024);
    let clock = TokioClock::starting_at(Moment::from_micros(1_000_000), 0);
    let (link, waiting) = (Arc::clone(place.link()), place.take_waiting().expect("it is new"));
    let patience = Patience::new(table.limits(), is_stranger, clock.now());
    let task = tokio::task::spawn_local(async move {
        let mut taken = Vec::new();
        let service = Service { link: &link, waiting, patience, clock: &clock };
        let ending = service.run(stream, async |message| {
            taken.push(message);
            true
        });
        let ending = ending.await;
        (ending, taken)
    });
    Bench { peer, place, task, clock }
}

impl Bench {
    async fn say(&mut self, bytes: &[u8]) {
        self.peer.write_all(bytes).await.expect("the connection is open");
    }

    async fn hear(&mut self, length: usize) -> Vec<u8> {
        let mut heard = vec![0; length];
        self.peer.read_exact(&mut heard).await.expect("something comes");
        heard
    }

    /// Waits for the end: why, after how many seconds, and what was taken until then.
    async fn ending(self) -> (String, u64, Vec<Bytes>) {
        let (ending, taken) = self.task.await.expect("it does not panic");
        let seconds = self.clock.now().since(Moment::from_micros(1_000_000)).as_secs();
        (ending.to_string(), seconds, taken)
    }
}

#[test]
fn messages_go_in_and_out_and_the_end_of_the_peer_is_the_end() {
    virtually(async {
        let mut bench = bench(true);
        bench.say(format!("{BYE}{BYE}").as_bytes()).await;
        assert!(bench.place.link().offer(Bytes::from_static(b"SIP/2.0 200 OK\r\n\r\n")));
        assert_eq!(bench.hear(18).await, b"SIP/2.0 200 OK\r\n\r\n");
        bench.peer.shutdown().await.expect("it is open");
        let (ending, _, taken) = bench.ending().await;
        assert_eq!((ending.as_str(), taken), ("closed by the peer", vec![Bytes::from(BYE); 2]));
    });
}

#[test]
fn a_ping_is_answered_and_a_pong_is_not() {
    virtually(async {
        let mut bench = bench(true);
        bench.say(b"\r\n\r\n").await;
        assert_eq!(bench.hear(2).await, b"\r\n");
        bench.say(b"\r\n").await;
        bench.say(BYE.as_bytes()).await;
        assert!(bench.place.link().offer(Bytes::from_static(b"next")));
        assert_eq!(bench.hear(4).await, b"next");
    });
}

#[test]
fn whoever_only_pings_is_sent_away_after_fifteen_seconds() {
    virtually(async {
        let mut bench = bench(true);
        for _ in 0..7 {
            bench.say(b"\r\n\r\n").await;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let (ending, seconds, _) = bench.ending().await;
        assert_eq!((ending.as_str(), seconds), ("no message came", 15));
    });
}

#[test]
fn headers_that_drip_in_are_cut_off_after_five_seconds() {
    virtually(async {
        let mut bench = bench(true);
        bench.say(BYE.as_bytes()).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        for byte in BYE.bytes().take(5) {
            bench.say(&[byte]).await;
            tokio::time::sleep(Duration::from_millis(900)).await;
        }
        let (ending, seconds, taken) = bench.ending().await;
        assert_eq!((ending.as_str(), seconds, taken.len()), ("a message was not finished", 65, 1));
    });
}

#[test]
fn a_quiet_connection_ends_unless_a_telephone_is_registered_by_it() {
    virtually(async {
        let mut bench = bench(true);
        bench.say(BYE.as_bytes()).await;
        tokio::time::sleep(Duration::from_secs(100)).await;
        bench.place.link().hold(Moment::from_micros(301_000_000));
        let (ending, seconds, _) = bench.ending().await;
        assert_eq!((ending.as_str(), seconds), ("idle", 300));
    });
}

#[test]
fn a_peer_that_does_not_read_is_given_up() {
    virtually(async {
        let mut bench = bench(true);
        bench.say(BYE.as_bytes()).await;
        assert!(bench.place.link().offer(Bytes::from(vec![b'x'; 4_096])));
        let (ending, seconds, _) = bench.ending().await;
        // The farewell finds no room either.
        assert_eq!((ending.as_str(), seconds), ("the peer does not read", 10));
    });
}

#[test]
fn garbage_and_endless_headers_close_the_connection() {
    virtually(async {
        for (said, ending) in [
            ("GET / HTTP/1.1\r\nHost: switch\r\n\r\n".to_owned(), "no single, readable content length"),
            ("x".repeat(70_000), "message larger than 65535 bytes"),
            (
                format!("BYE sip:b SIP/2.0\r\nX: {}\r\nl: 0\r\n\r\n", "y".repeat(70_000)),
                "message larger than 65535 bytes",
            ),
        ] {
            let mut bench = bench(true);
            // It may be closed before everything is said.
            let _ = bench.peer.write_all(said.as_bytes()).await;
            let (told, _, taken) = bench.ending().await;
            assert_eq!((told.as_str(), taken.len()), (ending, 0));
        }
    });
}

#[test]
fn a_full_queue_ends_the_connection() {
    virtually(async {
        let bench = bench(false);
        let large = Bytes::from(vec![b'x'; 300 << 10]);
        assert!(bench.place.link().offer(large.clone()));
        assert!(!bench.place.link().offer(large));
        let (ending, _, _) = bench.ending().await;
        assert_eq!(ending, "closed by us");
    });
}
