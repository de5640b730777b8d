//! Random lives of a session against a simple model of what a receiver may see.
//! The model: one source, contiguous numbers, timestamps that follow the time.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Speak(u8),
    Hold(bool),
    Listen(bool),
    Codec(bool),
    /// Packets of the bridged peer, 20 ms apart.
    Packets(u8),
    /// A stream of another source number and place.
    Restart(u32, u16, u32),
    Digit,
    /// Keys of a plan.
    Dial(u8),
    Wait(u16),
    /// The state is saved and read again.
    Save,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0u8..6).prop_map(Step::Speak),
        any::<bool>().prop_map(Step::Hold),
        any::<bool>().prop_map(Step::Listen),
        any::<bool>().prop_map(Step::Codec),
        (1u8..20).prop_map(Step::Packets),
        (any::<u32>(), any::<u16>(), any::<u32>()).prop_map(|(a, b, c)| Step::Restart(a, b, c)),
        Just(Step::Digit),
        (0u8..4).prop_map(Step::Dial),
        (1u16..2000).prop_map(Step::Wait),
        Just(Step::Save),
    ]
}

/// The other end's stream, and the session that hears it.
struct Far {
    session: Session,
    plan: Plan,
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
}

struct World {
    now: u64,
    plan: Plan,
    ours: Session,
    far: Far,
    asset: Arc<Asset>,
    sent: Vec<(u64, Header, usize)>,
}

impl World {
    fn new() -> Self {
        let wanted = plan(Source::Silence);
        let far = Far {
            session: session(2, &wanted),
            plan: wanted.clone(),
            ssrc: 7,
            sequence: 65_500,
            timestamp: 3,
        };
        let asset = Arc::new(Asset::from_samples(&[100; 4000]));
        World { now: 0, plan: wanted.clone(), ours: session(1, &wanted), far, asset, sent: Vec::new() }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Speak(source) => {
                let asset = Arc::clone(&self.asset);
                self.plan.source = match source {
                    0 => Source::Silence,
                    1 => Source::Tone(Tone::Busy),
                    2 => Source::Player { activity: 1, asset, loops: 0 },
                    3 => Source::Player { activity: self.now, asset, loops: 1 },
                    _ => Source::Session(SessionId(2)),
                };
                self.ours.apply(&self.plan, 1, at(self.now));
            }
            Step::Hold(send) => {
                self.plan.send = *send;
                self.ours.apply(&self.plan, 1, at(self.now));
            }
            Step::Codec(is_alaw) => {
                self.plan.remote = Some(remote(if *is_alaw { Codec::Pcma } else { Codec::Pcmu }));
                self.plan.round += 1;
                self.ours.apply(&self.plan, 1, at(self.now));
            }
            Step::Listen(receive) => {
                self.far.plan.receive = *receive;
                self.far.session.apply(&self.far.plan, 1, at(self.now));
            }
            Step::Packets(count) => (0..*count).for_each(|_| self.hear(0)),
            Step::Digit => self.hear(96),
            Step::Dial(count) => {
                let keys = "5#w".chars().cycle().take((*count).into()).collect();
                self.plan.keys = (*count > 0).then_some(Keys { activity: self.now, keys });
                self.ours.apply(&self.plan, 1, at(self.now));
            }
            Step::Restart(ssrc, sequence, timestamp) => {
                (self.far.ssrc, self.far.sequence, self.far.timestamp) = (*ssrc, *sequence, *timestamp);
            }
            Step::Wait(millis) => self.pass(u64::from(*millis)),
            Step::Save => {
                let saved = serde_json::to_string(&self.ours).expect("a session is data");
                self.ours = serde_json::from_str(&saved).expect("readable");
            }
        }
    }

    fn pass(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now += 1;
            self.far.timestamp = self.far.timestamp.wrapping_add(8);
            for (header, payload) in poll(&mut self.ours, at(self.now), Some(&self.asset)) {
                self.sent.push((self.now, header, payload.len()));
            }
        }
    }

    fn hear(&mut self, payload_type: u8) {
        self.far.sequence = self.far.sequence.wrapping_add(1);
        let Far { sequence, timestamp, ssrc, .. } = self.far;
        let mut datagram = vec![0; 172];
        Header { marker: false, payload_type, sequence, timestamp, ssrc }.write(&mut datagram).expect("room");
        if self.ours.source() == Some(SessionId(2))
            && let Some((header, payload)) =
                relay(&mut self.far.session, &mut self.ours, &datagram, at(self.now))
        {
            self.sent.push((self.now, header, payload.len()));
        } else {
            self.far.session.receive(&datagram, peer(), at(self.now));
        }
        self.pass(20);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_receiver_sees_one_stream_whatever_happens(steps in proptest::collection::vec(step(), 1..60)) {
        let mut world = World::new();
        steps.iter().for_each(|step| world.take(step));
        world.pass(100);
        let audio = |header: &Header| header.payload_type != 101;
        for (n, (_, header, _)) in world.sent.iter().enumerate() {
            prop_assert_eq!(header.ssrc, SSRC);
            prop_assert_eq!(header.sequence, 100u16.wrapping_add(n as u16), "packet {}", n);
        }
        let spoken: Vec<_> = world.sent.iter().filter(|(_, header, _)| audio(header)).collect();
        for pair in spoken.windows(2) {
            let [(then, before, length), (now, after, _)] = pair else { continue };
            let step = u64::from(after.timestamp.wrapping_sub(before.timestamp));
            let passed = (now - then) * 8;
            prop_assert!(step >= *length as u64, "overlap: {:?} then {:?}", before, after);
            prop_assert!(step <= passed.max(*length as u64) + 160, "{} samples in {} ms", step, now - then);
        }
    }
}
