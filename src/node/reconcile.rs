//! The reconciler: compares what is leased with the legs that should hold it, each minute.
//! It must never take anything back by itself: a difference is a bug to be told, not to be hidden.

use std::collections::BTreeSet;

use trunkline_media::port::Lease;

/// What does not fit together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Leased, but held by no leg.
    pub unowned: Vec<Lease>,
    /// Held by a leg, but not leased.
    pub missing: Vec<Lease>,
}

impl Difference {
    pub fn between(leased: &[Lease], held: &[Lease]) -> Self {
        let ordered = |leases: &[Lease]| -> BTreeSet<(std::net::IpAddr, u16)> {
            leases.iter().map(|lease| (lease.ip, lease.port)).collect()
        };
        let (leased, held) = (ordered(leased), ordered(held));
        let lease = |(ip, port): &(std::net::IpAddr, u16)| Lease { ip: *ip, port: *port };
        Self {
            unowned: leased.difference(&held).map(lease).collect(),
            missing: held.difference(&leased).map(lease).collect(),
        }
    }

    /// What stands in both: a leg that began or ended while the two sides were asked shows up only once.
    pub fn lasting(&self, earlier: &Self) -> Self {
        let both = |now: &[Lease], then: &[Lease]| {
            now.iter().copied().filter(|lease| then.contains(lease)).collect()
        };
        Self {
            unowned: both(&self.unowned, &earlier.unowned),
            missing: both(&self.missing, &earlier.missing),
        }
    }

    pub fn is_none(&self) -> bool {
        self.unowned.is_empty() && self.missing.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(port: u16) -> Lease {
        Lease { ip: [127, 0, 0, 1].into(), port }
    }

    #[test]
    fn a_lease_without_a_leg_and_a_leg_without_a_lease_are_told_apart() {
        let difference = Difference::between(&[lease(2), lease(4)], &[lease(4), lease(6)]);
        assert_eq!(difference, Difference { unowned: vec![lease(2)], missing: vec![lease(6)] });
        assert!(Difference::between(&[lease(2)], &[lease(2)]).is_none());
    }

    #[test]
    fn what_was_only_under_way_is_not_told() {
        let first = Difference { unowned: vec![lease(2), lease(4)], missing: vec![] };
        let second = Difference { unowned: vec![lease(4), lease(6)], missing: vec![] };
        assert_eq!(second.lasting(&first), Difference { unowned: vec![lease(4)], missing: vec![] });
    }
}
