//! What the host allows: descriptors and ports, checked at the start against what the configuration wants.
//! It must never end the start: it raises what it may and says what to set.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::config::Config;

/// Descriptors beside those of media sockets: listeners, files, event queues.
const OTHER_DESCRIPTORS: u64 = 256;

/// Raises the soft limit of descriptors as far as the hard one, and tells what will not be enough.
pub fn of_host(config: &Config) -> Vec<String> {
    let ephemeral = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    descriptors(config).into_iter().chain(ports(config, &ephemeral)).collect()
}

fn descriptors(config: &Config) -> Option<String> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    let raised = setrlimit(Resource::RLIMIT_NOFILE, hard, hard).map_or(soft, |()| hard);
    // Each leg holds an RTP and an RTCP socket.
    let sockets = (config.limits.legs as u64).saturating_mul(2).saturating_add(OTHER_DESCRIPTORS);
    let has_connections = !(config.sip.listen_tcp.is_empty() && config.sip.listen_tls.is_empty());
    let connections = if has_connections { config.sip.connections.total as u64 } else { 0 };
    let wanted = sockets.saturating_add(connections);
    (raised < wanted).then(|| {
        format!(
            "limits.legs = {} needs {wanted} file descriptors, the host allows {raised}: raise `ulimit -Hn` \
             (systemd: LimitNOFILE), or lower limits.legs",
            config.limits.legs
        )
    })
}

/// `ephemeral` is the kernel's range as it prints it: two numbers.
fn ports(config: &Config, ephemeral: &str) -> Vec<String> {
    let span = config.media.ports;
    let mut warnings = Vec::new();
    let mut numbers = ephemeral.split_whitespace().filter_map(|number| number.parse::<u16>().ok());
    if let (Some(first), Some(last)) = (numbers.next(), numbers.next())
        && span.first <= last
        && first <= span.last
    {
        warnings.push(format!(
            "media.ports = {span} overlaps the ports that the kernel hands out by itself ({first}-{last}): choose \
             others, or set net.ipv4.ip_local_reserved_ports"
        ));
    }
    let pairs = (usize::from(span.last) + 1 - usize::from(span.first)) / 2;
    if pairs < config.limits.legs {
        warnings.push(format!(
            "media.ports = {span} is enough for {pairs} legs, limits.legs allows {}",
            config.limits.legs
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_fit_an_ordinary_host() {
        assert_eq!(ports(&Config::default(), "32768\t60999\n"), Vec::<String>::new());
    }

    #[test]
    fn ports_that_the_kernel_hands_out_or_that_are_too_few_are_told() {
        let config = Config::parse("[media]\nports = \"40000-40009\"\n").expect("it is sound");
        let warnings = ports(&config, "32768\t60999\n");
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings.iter().all(|warning| warning.contains("40000-40009")), "{warnings:?}");
    }
}
