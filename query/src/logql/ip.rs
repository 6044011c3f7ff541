//! `ip("…")`: an address, a range of addresses or a network.

use std::net::IpAddr;

/// Addresses from one to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IpRange {
    written: String,
    first: IpAddr,
    last: IpAddr,
}

impl IpRange {
    /// `10.0.0.1`, `10.0.0.1-10.0.0.9`, `10.0.0.0/8`; also IPv6.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (first, last) = if let Some((first, last)) = text.split_once('-') {
            (first.trim().parse().ok()?, last.trim().parse().ok()?)
        } else if let Some((address, bits)) = text.split_once('/') {
            network(address.parse().ok()?, bits.parse().ok()?)?
        } else {
            let one = text.trim().parse().ok()?;
            (one, one)
        };
        let written = text.to_owned();
        let same_kind = matches!(
            (first, last),
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_))
        );
        (same_kind && first <= last).then_some(Self {
            written,
            first,
            last,
        })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }

    pub(crate) fn has(&self, address: IpAddr) -> bool {
        self.first <= address && address <= self.last
    }

    /// Whether an address that is written somewhere in `line` is one of these.
    pub(crate) fn is_in(&self, line: &str) -> bool {
        let part = |c: char| c.is_ascii_hexdigit() || c == '.' || c == ':';
        line.split(|c: char| !part(c))
            .filter(|word| word.len() >= 2)
            .any(|word| self.is_in_word(word))
    }

    /// A port may follow the address, and a stop.
    fn is_in_word(&self, word: &str) -> bool {
        let word = word.trim_end_matches(['.', ':']);
        let without_port = word.rsplit_once(':').map(|(address, _)| address);
        [Some(word), without_port]
            .into_iter()
            .flatten()
            .filter_map(|word| word.parse().ok())
            .any(|address| self.has(address))
    }
}

/// The first and the last address of a network.
fn network(address: IpAddr, bits: u32) -> Option<(IpAddr, IpAddr)> {
    match address {
        IpAddr::V4(address) => {
            let host = u32::MAX.checked_shr(bits).unwrap_or(0);
            let first = u32::from(address) & !host;
            (bits <= 32).then(|| (IpAddr::V4(first.into()), IpAddr::V4((first | host).into())))
        }
        IpAddr::V6(address) => {
            let host = u128::MAX.checked_shr(bits).unwrap_or(0);
            let first = u128::from(address) & !host;
            (bits <= 128).then(|| (IpAddr::V6(first.into()), IpAddr::V6((first | host).into())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_ranges_and_networks_are_found_in_lines() {
        for (range, line, found) in [
            ("10.0.0.0/8", "from 10.1.2.3: refused", true),
            ("10.0.0.0/8", "from 11.1.2.3: refused", false),
            ("10.0.0.1", "peer=10.0.0.1:8080 up", true),
            ("10.0.0.1", "peer=10.0.0.10", false),
            ("10.0.0.1-10.0.0.9", "10.0.0.9.", true),
            ("fe80::/10", "via fe80::1 now", true),
            ("0.0.0.0/0", "no address", false),
        ] {
            let range = IpRange::parse(range).unwrap();
            assert_eq!(range.is_in(line), found, "{line}");
        }
        for wrong in [
            "",
            "10.0.0",
            "10.0.0.9-10.0.0.1",
            "10.0.0.0/33",
            "a-b",
            "::1-10.0.0.1",
        ] {
            assert_eq!(IpRange::parse(wrong), None, "{wrong}");
        }
    }
}
