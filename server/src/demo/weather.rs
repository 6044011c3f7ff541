//! Incidents: at which minutes of the clock something is broken.

/// Nanoseconds in a minute.
const MINUTE_NS: u64 = 60_000_000_000;

/// What is wrong at one instant: chances that an operation fails, and how much slower things are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Weather {
    /// That the payment provider does not answer a charge.
    pub(super) provider_timeout: f64,
    /// That a reservation runs into a deadlock.
    pub(super) deadlock: f64,
    /// That the search cluster rejects a query.
    pub(super) search_rejected: f64,
    /// By which everything that the catalogue reads is slower.
    pub(super) catalog_slowness: u32,
}

const FAIR: Weather = Weather {
    provider_timeout: 0.004,
    deadlock: 0.006,
    search_rejected: 0.002,
    catalog_slowness: 1,
};

impl Weather {
    /// The weather at an instant (nanoseconds since the Unix epoch). Incidents come back every
    /// half hour of the clock, so that an hour of history and ten minutes of live traffic have
    /// something to show.
    pub(super) fn at(time_ns: u64) -> Self {
        match time_ns / MINUTE_NS % 30 {
            4..8 => Self {
                provider_timeout: 0.45,
                ..FAIR
            },
            13..16 => Self {
                deadlock: 0.5,
                ..FAIR
            },
            19..21 => Self {
                catalog_slowness: 6,
                search_rejected: 0.08,
                ..FAIR
            },
            _ => FAIR,
        }
    }
}
