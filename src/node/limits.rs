//! What the host allows, held against what the configuration wants: descriptors, ports, buffers, addresses, folders.
//! It must never end the start: it raises what it may and says what to set.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::unistd::{AccessFlags, access};

use crate::config::{Config, Doubt};
use crate::sip::transport::tls::{Files, Tls};
use crate::sip::transport::{BUFFER, Udp};

/// Descriptors beside those of legs and connections: listeners, files, event queues.
const OTHER_DESCRIPTORS: u64 = 256;

/// Descriptors of a leg: an RTP and an RTCP socket, and the files of what it hears and of its recording.
const DESCRIPTORS_A_LEG: u64 = 4;

/// Bytes that the kernel counts for the messages of a new call which wait for 100 ms: eight of 2,304 bytes a second.
const WAITING_A_CALL: u64 = 8 * 2_304 / 10;

/// Raises the soft limit of descriptors as far as the hard one, and tells what will not be enough.
pub fn of_host(config: &Config) -> Vec<Doubt> {
    let ephemeral = kernel("net/ipv4/ip_local_port_range");
    let receive = kernel("net/core/rmem_max").trim().parse().ok();
    descriptors(config, raised())
        .into_iter()
        .chain(ephemeral_ports(config, &ephemeral))
        .chain(receive.and_then(|most| receive_buffer(config, most)))
        .collect()
}

/// Whether addresses are this host's and free, and folders can be written. `is_running`: a switch with this data
/// folder holds its addresses already, and rightly.
pub fn of_place(config: &Config, is_running: bool) -> Vec<Doubt> {
    let (udp, tcp) =
        (|address| Udp::bind(address).map(drop), |address: SocketAddr| TcpListener::bind(address).map(drop));
    let sip = config.sip.listen.iter().map(|address| ("sip.listen", *address, udp(*address)));
    let http = config.http.listen;
    let sip_tcp = config.sip.listen_tcp.iter().map(|address| ("sip.listen_tcp", *address, tcp(*address)));
    let sip_tls = config.sip.listen_tls.iter().map(|address| ("sip.listen_tls", *address, tcp(*address)));
    let listeners = sip.chain(sip_tcp).chain(sip_tls).chain([("http.listen", http, tcp(http))]);
    let refused = listeners.filter_map(|(key, address, bound)| {
        let error = bound.err().filter(|error| !is_running || error.kind() != ErrorKind::AddrInUse)?;
        Some(not_to_be_had(key, address, &error))
    });
    let media = config.media.address.and_then(media_address);
    let recordings = config.recordings.folder.as_deref().map(|folder| ("recordings.folder", folder));
    let folders = [("data.folder", config.data.folder.as_path())].into_iter().chain(recordings);
    let files = certificates(config).into_iter();
    refused
        .chain(media)
        .chain(files)
        .chain(folders.filter_map(|(key, folder)| cannot_write(key, folder)))
        .collect()
}

/// The limit of descriptors, raised as far as it may be.
pub fn raised() -> Option<u64> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    Some(setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map_or(soft, |()| hard))
}

fn descriptors(config: &Config, limit: Option<u64>) -> Option<Doubt> {
    let legs = (config.limits.legs as u64).saturating_mul(DESCRIPTORS_A_LEG);
    let has_streams = !(config.sip.listen_tcp.is_empty() && config.sip.listen_tls.is_empty());
    let streams = if has_streams { config.sip.connections.total as u64 } else { 0 };
    let connections = streams.saturating_add(config.http.connections as u64);
    let wanted = legs.saturating_add(connections).saturating_add(OTHER_DESCRIPTORS);
    let limit = limit.filter(|limit| *limit < wanted)?;
    Some(Doubt::warning(
        "limits.legs",
        format!(
            "needs {wanted} file descriptors, the host allows {limit}: raise `ulimit -Hn` (systemd: \
             LimitNOFILE={wanted}), or lower limits.legs"
        ),
    ))
}

/// `ephemeral` is the kernel's range as it prints it: two numbers.
fn ephemeral_ports(config: &Config, ephemeral: &str) -> Option<Doubt> {
    let span = config.media.ports;
    let mut numbers = ephemeral.split_whitespace().filter_map(|number| number.parse::<u16>().ok());
    let (first, last) = (numbers.next()?, numbers.next()?);
    let overlaps = span.first <= last && first <= span.last;
    overlaps.then(|| {
        Doubt::warning(
            "media.ports",
            format!(
                "overlaps the ports that the kernel hands out by itself ({first}-{last}): choose others, or \
                 `sysctl net.ipv4.ip_local_reserved_ports={span}`"
            ),
        )
    })
}

/// `most` is the kernel's limit of a receive buffer; it counts twice as much.
fn receive_buffer(config: &Config, most: u64) -> Option<Doubt> {
    let wanted = (config.limits.calls_per_second as u64).saturating_mul(WAITING_A_CALL) / 2;
    let wanted = wanted.min(BUFFER as u64);
    (most < wanted).then(|| {
        Doubt::warning(
            "limits.calls_per_second",
            format!(
                "may lose messages while a thread is busy: the kernel lets {most} bytes of them wait; \
                 `sysctl net.core.rmem_max={}`",
                BUFFER
            ),
        )
    })
}

fn not_to_be_had(key: &'static str, address: SocketAddr, error: &io::Error) -> Doubt {
    let port = address.port();
    Doubt::error(
        key,
        match error.kind() {
            ErrorKind::AddrNotAvailable => format!("{} is no address of this host", address.ip()),
            ErrorKind::AddrInUse => {
                format!("port {port} is taken by another program: `ss -lntup` shows by which")
            }
            ErrorKind::PermissionDenied => format!(
                "port {port} needs a permission: AmbientCapabilities=CAP_NET_BIND_SERVICE in the systemd unit, or \
                 `sysctl net.ipv4.ip_unprivileged_port_start={port}`"
            ),
            _ => format!("{address}: {error}"),
        },
    )
}

/// What is wrong with the operator's certificates. One of our own is made at the start, and not here.
fn certificates(config: &Config) -> Option<Doubt> {
    let tls = &config.sip.tls;
    // One without the other is an error of its own, and would have the pair made.
    let is_the_operators =
        tls.certificate.is_some() && tls.key.is_some() && !config.sip.listen_tls.is_empty();
    let files = is_the_operators.then(|| Files::of(config, &[]));
    let error = Tls::new(tls, files).err()?;
    Some(Doubt::error("sip.tls.certificate", error.to_string()))
}

fn media_address(ip: IpAddr) -> Option<Doubt> {
    let error = UdpSocket::bind((ip, 0)).err()?;
    Some(not_to_be_had("media.address", SocketAddr::new(ip, 0), &error))
}

/// A folder that is not there yet is made: then the nearest one above it counts.
fn cannot_write(key: &'static str, folder: &Path) -> Option<Doubt> {
    let there =
        folder.ancestors().find(|folder| folder.exists()).filter(|there| !there.as_os_str().is_empty());
    let there = there.unwrap_or(Path::new("."));
    if !there.is_dir() {
        return Some(Doubt::error(key, format!("{} is no folder", there.display())));
    }
    let refused = access(there, AccessFlags::W_OK | AccessFlags::X_OK).err()?;
    Some(Doubt::error(key, format!("{} cannot be written by this user: {}", there.display(), refused.desc())))
}

/// A setting of the kernel, as it prints it; empty if it has none.
fn kernel(setting: &str) -> String {
    std::fs::read_to_string(Path::new("/proc/sys").join(setting)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(toml: &str) -> Config {
        Config::parse(toml).expect("it is sound")
    }

    #[test]
    fn the_defaults_fit_an_ordinary_host() {
        let config = Config::default();
        assert_eq!(descriptors(&config, Some(524_288)), None);
        assert_eq!(ephemeral_ports(&config, "32768\t60999\n"), None);
        assert_eq!(receive_buffer(&config, 212_992), None);
    }

    #[test]
    fn too_few_descriptors_are_told_with_the_number_to_set() {
        let config = config("[limits]\ncalls = 100\nlegs = 300\n[http]\nconnections = 44\n");
        let doubt = descriptors(&config, Some(1_024)).expect("4 · 300 + 44 + 256 are more");
        assert!(doubt.message.contains("LimitNOFILE=1500"), "{doubt:?}");
        assert_eq!(descriptors(&config, Some(1_500)), None);
        assert_eq!(descriptors(&config, None), None);
    }

    #[test]
    fn ports_that_the_kernel_hands_out_are_told() {
        let config = config("[media]\nports = \"40000-40009\"\n");
        let doubt = ephemeral_ports(&config, "32768\t60999\n").expect("they overlap");
        assert!(doubt.message.contains("ip_local_reserved_ports=40000-40009"), "{doubt:?}");
        assert_eq!(ephemeral_ports(&config, ""), None, "another system");
    }

    #[test]
    fn many_calls_a_second_want_room_for_their_messages() {
        let config = config("[limits]\ncalls_per_second = 1000\n");
        let doubt = receive_buffer(&config, 212_992).expect("that is 20 ms of it");
        assert!(doubt.message.contains("net.core.rmem_max=4194304"), "{doubt:?}");
        assert_eq!(receive_buffer(&config, 4 << 20), None);
    }

    #[test]
    fn addresses_of_others_and_taken_ones_are_told_unless_the_switch_itself_has_them() {
        let taken = Udp::bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let mut config = Config::default();
        config.data.folder = std::env::temp_dir();
        config.http.listen = ([127, 0, 0, 1], 0).into();
        config.sip.listen = vec![taken.local()];
        config.media.address = Some([192, 0, 2, 1].into());
        let told = |is_running| -> Vec<String> {
            of_place(&config, is_running)
                .iter()
                .map(|doubt| format!("{}: {}", doubt.key, doubt.message))
                .collect()
        };
        assert_eq!(told(false).len(), 2, "{:?}", told(false));
        assert!(told(false)[0].contains("is taken by another program"));
        assert_eq!(told(true), ["media.address: 192.0.2.1 is no address of this host"]);
    }

    #[test]
    fn a_certificate_that_cannot_be_used_is_told_before_the_start() {
        let mut config = config("[sip]\nlisten_tls = [\"127.0.0.1:5061\"]\n");
        assert_eq!(certificates(&config), None, "one of our own is made");
        config.sip.tls.certificate = Some("/nobody/has/this.pem".into());
        config.sip.tls.key = Some("/nobody/has/this.key".into());
        let doubt = certificates(&config).expect("it is not there");
        assert!(doubt.message.contains("/nobody/has/this"), "{doubt:?}");
        config.sip.tls.key = None;
        config.data.folder = std::env::temp_dir().join(format!("trunkline-nothing-{}", std::process::id()));
        assert_eq!(certificates(&config), None, "half a pair is told of elsewhere");
        assert!(!config.data.folder.exists(), "and nothing is made by looking");
        config.sip.listen_tls.clear();
        assert_eq!(certificates(&config), None, "nobody sees it");
    }

    #[test]
    fn a_folder_is_made_below_one_that_can_be_written_and_a_file_is_none() {
        let below = std::env::temp_dir().join("not/there/yet");
        assert_eq!(cannot_write("data.folder", &below), None);
        assert_eq!(cannot_write("data.folder", Path::new("new-in-the-working-folder")), None);
        let file =
            cannot_write("data.folder", Path::new("/proc/version/data")).expect("a file is in the way");
        assert_eq!(file.message, "/proc/version is no folder");
    }
}
