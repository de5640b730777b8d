//! baresip, a softphone, without a display: it sends a tone and keeps what it hears.
//! It must never need a sound card.

use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use super::eventually;
use super::process::{Process, tool};
use super::sound::{Sound, tone};
use super::switch::{PASSWORD, Switch};

/// Longer than any story.
const TONE_SECONDS: u32 = 120;

/// A registered softphone.
#[derive(Debug)]
pub struct Phone {
    process: Process,
    folder: PathBuf,
    control: u16,
}

impl Phone {
    /// Starts it and waits until it is registered. It answers every call at once.
    pub fn register(switch: &Switch, user: &str, hertz: f64) -> Self {
        Self::register_over(switch, "udp", user, hertz)
    }

    /// As [`Phone::register`]; it says what this WAV file holds, and is silent afterwards.
    pub fn register_saying(switch: &Switch, user: &str, wav: &[u8]) -> Self {
        Self::registered(switch, "udp", user, user, wav, &[])
    }

    /// As [`Phone::register`], over `udp`, `tcp` or `tls`.
    pub fn register_over(switch: &Switch, transport: &str, user: &str, hertz: f64) -> Self {
        Self::registered(switch, transport, user, user, &tone(hertz, TONE_SECONDS), &[])
    }

    /// Another telephone of the same user, which can tell which dialog it is in.
    pub fn second(switch: &Switch, user: &str, hertz: f64) -> Self {
        let label = format!("{user}-second");
        Self::registered(switch, "udp", user, &label, &tone(hertz, TONE_SECONDS), &["-s"])
    }

    fn registered(
        switch: &Switch,
        transport: &str,
        user: &str,
        label: &str,
        wav: &[u8],
        more: &[&str],
    ) -> Self {
        let proxy = switch.reached_by(transport);
        let domain = proxy.ip();
        let account = format!(
            "<sip:{user}@{domain};transport={transport}>;auth_user={user};auth_pass={PASSWORD};\
             outbound=\"sip:{proxy};transport={transport}\";regint=60;answermode=auto;audio_codecs=pcmu"
        );
        let phone = Self::start(switch, label, &account, wav, more);
        eventually(&format!("{user} is registered"), Duration::from_secs(15), || {
            let log = phone.process.log();
            log.lines().any(|line| line.contains("200 OK") && line.contains("binding"))
        });
        phone
    }

    fn start(switch: &Switch, label: &str, account: &str, wav: &[u8], more: &[&str]) -> Self {
        let folder = switch.folder().sub(&format!("phone-{label}"));
        // It takes the port above for TLS, wanted or not.
        let (sip, control, rtp) = (switch.ports(2), switch.ports(1), switch.ports(10));
        let write = |name: &str, content: &[u8]| {
            let file = folder.join(name);
            std::fs::write(&file, content).expect("the story's folder is writable");
            file.display().to_string()
        };
        let source = write("source.wav", wav);
        write("contacts", b"");
        write("accounts", format!("{account}\n").as_bytes());
        let mut config = format!(
            "poll_method epoll\nsip_listen 127.0.0.1:{sip}\nnet_interface 127.0.0.1\n\
             audio_player aubridge,sink\naudio_source aufile,{source}\naudio_alert aubridge,alert\n\
             ausrc_srate 8000\nauplay_srate 8000\nausrc_channels 1\nauplay_channels 1\n\
             rtp_ports {rtp}-{}\nsnd_path .\nctrl_tcp_listen 127.0.0.1:{control}\n\
             module_path /usr/lib/baresip/modules\n",
            rtp + 9
        );
        for module in ["g711", "aufile", "aubridge", "sndfile"] {
            let _ = writeln!(config, "module {module}.so"); // a String takes all
        }
        config.push_str("module_tmp account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\n");
        write("config", config.as_bytes());
        let path = folder.to_string_lossy();
        let arguments = ["-4", "-v", "-f", &*path].into_iter().chain(more.iter().copied());
        let process = Process::start(&tool("baresip"), arguments, folder.join("baresip.log"));
        Self { process, folder, control }
    }

    /// Calls a user or a number.
    pub fn dial(&self, whom: &str) {
        self.command("dial", whom);
    }

    /// Presses a key, for as long as a short press takes (RFC 4733).
    pub fn press(&self, key: char) {
        self.command("sndcode", &key.to_string());
    }

    /// A command of its menu, such as `hangup`, `hold` or `resume`.
    pub fn command(&self, command: &str, parameters: &str) {
        let json = serde_json::json!({ "command": command, "params": parameters }).to_string();
        let answer = self.exchange(&json).unwrap_or_else(|error| panic!("baresip, {command}: {error}"));
        assert!(answer.contains("\"ok\":true"), "baresip refuses {command} {parameters}: {answer}");
    }

    /// Netstrings over TCP.
    fn exchange(&self, json: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.control))?;
        stream.set_read_timeout(Some(Duration::from_secs(5)))?;
        write!(stream, "{}:{json},", json.len())?;
        let mut text = String::new();
        let mut buffer = [0; 4096];
        // Events come on the same connection.
        while !text.contains("\"response\":true") {
            let length = stream.read(&mut buffer)?;
            if length == 0 {
                break;
            }
            text.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        Ok(text)
    }

    /// The dialog of the call that it has made, as the value of a Replaces in an address (RFC 3891 §6.1). Of a
    /// [`Phone::second`] alone.
    pub fn dialog(&self) -> String {
        let log = self.process.log();
        let answers =
            log.split("SIP/2.0 200 ").skip(1).map(|rest| rest.split("\r\n\r\n").next().unwrap_or(rest));
        let answer =
            answers.filter(|answer| answer.contains(" INVITE")).last().expect("its call was answered");
        let header = |name: &str| {
            let line =
                answer.lines().find_map(|line| line.strip_prefix(name)).expect("a header of every answer");
            line.trim().to_owned()
        };
        let tag = |name: &str| header(name).split_once(";tag=").expect("a dialog has tags").1.to_owned();
        let call_id = header("Call-ID:").replace('@', "%40");
        format!("{call_id}%3Bto-tag%3D{}%3Bfrom-tag%3D{}", tag("To:"), tag("From:"))
    }

    /// Waits until it sends and plays.
    pub fn talks(&self, limit: Duration) {
        self.says(&["source started"], limit);
    }

    /// Waits until its call has ended.
    pub fn is_hung_up(&self, limit: Duration) {
        self.says(&["terminated", "session closed"], limit);
    }

    /// Whether it was ever called.
    pub fn rang(&self) -> bool {
        self.process.log().contains("sipsess connect")
    }

    fn says(&self, words: &[&str], limit: Duration) {
        eventually(&format!("baresip says one of {words:?}"), limit, || {
            let log = self.process.log();
            words.iter().any(|word| log.contains(word))
        });
    }

    /// Hangs up, ends, and gives what was heard in its last call.
    pub fn heard(mut self) -> Sound {
        self.process.signal("TERM");
        self.process.wait(Duration::from_secs(15));
        let files = std::fs::read_dir(&self.folder).expect("the folder is readable");
        let mut heard: Vec<PathBuf> = files.filter_map(|entry| Some(entry.ok()?.path())).collect();
        heard.retain(|file| file.to_string_lossy().ends_with("-dec.wav"));
        heard.sort();
        Sound::read(heard.last().expect("it recorded what it decoded"))
    }
}
