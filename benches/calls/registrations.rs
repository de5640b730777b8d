//! Telephones that register with a digest: REGISTER, 401, REGISTER with the answer, 200.
//! They must never reuse a nonce: each registration pays for a challenge of its own.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use md5::{Digest as _, Md5};

use crate::meter::{now, rest_until};
use crate::telephones::{hear, open};
use crate::text::{self, Request};

/// Every user's.
pub const PASSWORD: &str = "secret";
const USERS: usize = 1000;
const TELEPHONES: &str = "127.0.0.2:6062";
const PATIENCE: Duration = Duration::from_secs(5);

/// Who registers, in turn.
pub fn users() -> impl Iterator<Item = String> {
    (0..USERS).map(user)
}

fn user(number: usize) -> String {
    format!("u{:04}", number % USERS)
}

/// Registers so many telephones, at this pace; how many were granted.
pub fn register(count: usize, per_second: u32, switch: SocketAddr) -> io::Result<usize> {
    let socket = open(TELEPHONES)?;
    let local = socket.local_addr()?;
    let domain = format!("sip:{}", switch.ip());
    let send = |number, sequence, proof: &str| {
        let user = user(number);
        let name = format!("sip:{user}@{}", switch.ip());
        let to = format!("<{name}>");
        let request =
            Request { method: "REGISTER", uri: &domain, number, sequence, from: &name, to: &to, local };
        // Who names no program is offered MD5 alone: cheaper than what telephones get.
        let program = "User-Agent: Bench/1";
        let headers = format!("Contact: <sip:{user}@{local}>\r\nExpires: 3600\r\n{program}\r\n{proof}");
        // One that does not leave shows as a registration that was not granted.
        let _ = socket.send_to(request.text(headers, "").as_bytes(), switch);
    };
    let is_over = AtomicBool::new(false);
    let begin = now();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in (0..count).take_while(|_| !is_over.load(Ordering::Relaxed)) {
                rest_until(begin + Duration::from_secs(number as u64) / per_second);
                send(number, 1, "");
            }
        });
        let deadline = begin + Duration::from_secs(count as u64) / per_second + PATIENCE;
        let mut registered = 0;
        let mut buffer = [0; 4096];
        while registered < count && now() < deadline {
            let Some(message) = hear(&socket, &mut buffer) else { continue };
            match (message.get(8..11), text::number(message)) {
                (Some("401"), Some(number)) => {
                    if let Some(proof) = proof(message, &user(number), &domain) {
                        send(number, 2, &proof);
                    }
                }
                (Some("200"), Some(_)) => registered += 1,
                _ => {}
            }
        }
        is_over.store(true, Ordering::Relaxed);
        Ok(registered)
    })
}

/// The answer to the MD5 challenge of a 401 (RFC 2617 §3.2.2), as a header.
fn proof(challenged: &str, user: &str, uri: &str) -> Option<String> {
    let mut challenges = text::fields(challenged, "WWW-Authenticate");
    let challenge = challenges.find(|challenge| !challenge.contains("SHA-256"))?;
    let quoted = |name: &str| challenge.split_once(&format!("{name}=\""))?.1.split('"').next();
    let (realm, nonce) = (quoted("realm")?, quoted("nonce")?);
    let secret = hash(&format!("{user}:{realm}:{PASSWORD}"));
    let request = hash(&format!("REGISTER:{uri}"));
    let response = hash(&format!("{secret}:{nonce}:00000001:bench:auth:{request}"));
    Some(format!(
        "Authorization: Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         algorithm=MD5, qop=auth, nc=00000001, cnonce=\"bench\", response=\"{response}\"\r\n"
    ))
}

fn hash(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
