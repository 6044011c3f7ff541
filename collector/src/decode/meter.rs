//! Counts what a request grows to while it is decoded, so that a small one cannot fill the memory.
//!
//! Resource and scope attributes are repeated on every row: a request of 64 MiB can describe
//! hundreds of gigabytes of rows.

use spoor_storage::Result;

/// Rows of one request take at most about this much memory; records after that are rejected with
/// the reason `request_expands_too_much`. A constant, not a setting: recovery must decide as the
/// first decoding did. Far above what honest requests need (a request of 64 MiB with a 1 KiB
/// resource and 300-byte records grows to 300 MiB).
pub(crate) const MAX_DECODED_BYTES: usize = 512 << 20;

/// Memory is asked for in steps that double from here …
const FIRST_STEP_BYTES: usize = 64 << 10;

/// … to here, so that small requests do not hold what they do not need.
const LAST_STEP_BYTES: usize = 4 << 20;

/// Reserves this many more bytes or says why not.
pub(crate) type Reserve<'a> = dyn FnMut(usize) -> Result<()> + 'a;

/// The running count of one request.
pub(crate) struct Meter<'a> {
    spent: usize,
    reserved: usize,
    reserve: &'a mut Reserve<'a>,
}

impl std::fmt::Debug for Meter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter")
            .field("spent", &self.spent)
            .finish_non_exhaustive()
    }
}

impl<'a> Meter<'a> {
    pub(crate) fn new(reserve: &'a mut Reserve<'a>) -> Self {
        Self {
            spent: 0,
            reserved: 0,
            reserve,
        }
    }

    /// Counts `bytes` more. `Ok(false)` if the request is over its limit and the bytes must not
    /// be used; an error if the process has no memory to give now.
    #[inline]
    pub(crate) fn spend(&mut self, bytes: usize) -> Result<bool> {
        let spent = self.spent.saturating_add(bytes);
        if spent > MAX_DECODED_BYTES {
            return Ok(false);
        }
        if spent > self.reserved {
            let step = self.reserved.clamp(FIRST_STEP_BYTES, LAST_STEP_BYTES);
            let step = step.max(spent - self.reserved);
            (self.reserve)(step)?;
            self.reserved += step;
        }
        self.spent = spent;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spoor_storage::Error;

    #[test]
    fn memory_is_asked_for_in_steps_and_ends_at_the_limit() {
        let mut asked = Vec::new();
        let mut reserve = |bytes: usize| {
            asked.push(bytes);
            Ok(())
        };
        let mut meter = Meter::new(&mut reserve);
        assert!(meter.spend(10).unwrap());
        assert!(meter.spend(10).unwrap());
        assert!(meter.spend(LAST_STEP_BYTES * 3).unwrap());
        assert!(!meter.spend(MAX_DECODED_BYTES).unwrap());
        assert!(meter.spend(10).unwrap(), "a smaller record may still fit");
        assert_eq!(asked[0], FIRST_STEP_BYTES);
        assert!(asked.len() <= 3, "{asked:?}");
    }

    #[test]
    fn a_refusal_is_passed_on() {
        let mut reserve = |_| Err(Error::internal("no memory"));
        assert!(Meter::new(&mut reserve).spend(1).is_err());
    }
}
