//! Rate, errors and durations of spans in a window that moves: at each of some instants, of the spans that
//! started in the time before it.
//!
//! ```text
//!  ──────●──────────●──────────●────►   instants, a step apart
//!   └─window─┘└─window─┘                 spans from instant − window (outside) to the instant (inside)
//! ```
//! A span enters at one instant and leaves at a later one; those that enter and leave together are one cell.
//! So a span costs the same however many windows it is in.

use std::collections::BTreeMap;

use spoor_storage::TimeRange;

use super::quantile::Durations;

/// Durations that a cell keeps one by one; of more it counts in steps, told within 0.4 %.
const EXACT: usize = 256;

/// Instants and how long before each a span may have started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moving {
    /// The first instant, nanoseconds.
    pub(crate) first_ns: i64,
    /// More than 0.
    pub(crate) step_ns: i64,
    /// How many instants.
    pub(crate) count: usize,
    /// More than 0.
    pub(crate) window_ns: i64,
}

impl Moving {
    /// Where spans start that are in any window.
    pub(crate) fn range(&self) -> TimeRange {
        let first = self.first_ns.saturating_sub(self.window_ns);
        TimeRange {
            start_ns: first.saturating_add(1),
            end_ns: self
                .instant_ns(self.count.saturating_sub(1))
                .saturating_add(1),
        }
    }

    /// The instant of this number.
    pub(crate) fn instant_ns(&self, at: usize) -> i64 {
        let steps = i64::try_from(at).unwrap_or(i64::MAX);
        self.first_ns
            .saturating_add(steps.saturating_mul(self.step_ns))
    }

    /// The number of the first instant that is not before `time_ns`; `count` if there is none.
    fn first_from(&self, time_ns: i64) -> usize {
        let after = i128::from(time_ns) - i128::from(self.first_ns);
        let step = i128::from(self.step_ns);
        let at = if after <= 0 {
            0
        } else {
            (after + step - 1) / step
        };
        usize::try_from(at).unwrap_or(usize::MAX).min(self.count)
    }

    /// From which instant on a span is in the window, and from which on it is not any more.
    fn cell(&self, start_ns: i64) -> Option<(usize, usize)> {
        let enters = self.first_from(start_ns);
        let leaves = self.first_from(start_ns.saturating_add(self.window_ns));
        (enters < leaves).then_some((enters, leaves))
    }
}

/// What is asked of the spans in a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Figure {
    /// Spans a second.
    CallRate,
    /// Failed spans of all spans; not a number where there are none.
    ErrorRatio,
    /// A quantile of the durations by nearest rank, in milliseconds; not a number where there are none.
    Latency {
        /// More than 0, at most 1.
        quantile: f64,
    },
}

/// The spans of one series.
#[derive(Debug, Default)]
pub(crate) struct MovingSeries {
    cells: BTreeMap<(usize, usize), Cell>,
    /// Kept one by one, at most.
    durations: usize,
}

#[derive(Debug, Default)]
struct Cell {
    calls: u64,
    errors: u64,
    durations: Option<Durations>,
}

impl MovingSeries {
    /// Adds a span.
    pub(crate) fn add(
        &mut self,
        moving: Moving,
        figure: Figure,
        (start_ns, duration_ns, failed): (i64, i64, bool),
    ) {
        let Some(cell) = moving.cell(start_ns) else {
            return;
        };
        let cell = self.cells.entry(cell).or_default();
        cell.calls += 1;
        cell.errors += u64::from(failed);
        if matches!(figure, Figure::Latency { .. }) {
            self.durations += usize::from(cell.calls <= EXACT as u64);
            let durations = cell
                .durations
                .get_or_insert_with(|| Durations::exact_up_to(EXACT));
            durations.add(duration_ns);
        }
    }

    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        const EACH_CELL: usize = 200;
        self.cells.len() * EACH_CELL + 2 * self.durations * size_of::<i64>()
    }

    /// The figure at each instant.
    pub(crate) fn values(&self, moving: Moving, figure: Figure) -> Vec<f64> {
        let mut leaving: BTreeMap<usize, Vec<&Cell>> = BTreeMap::new();
        let mut entering = self.cells.iter().peekable();
        let mut window = Window::default();
        let seconds = seconds(moving.window_ns);
        (0..moving.count)
            .map(|at| {
                for cell in leaving.remove(&at).into_iter().flatten() {
                    window.remove(cell);
                }
                while let Some(((_, leaves), cell)) =
                    entering.next_if(|((enters, _), _)| *enters == at)
                {
                    window.add(cell);
                    leaving.entry(*leaves).or_default().push(cell);
                }
                window.figure(figure, seconds)
            })
            .collect()
    }
}

/// The spans that are in the window at one instant.
#[derive(Debug, Default)]
struct Window {
    calls: u64,
    errors: u64,
    /// How many spans took so long.
    durations: BTreeMap<i64, u64>,
}

impl Window {
    fn add(&mut self, cell: &Cell) {
        self.calls += cell.calls;
        self.errors += cell.errors;
        for (duration_ns, count) in cell.durations.iter().flat_map(Durations::counts) {
            *self.durations.entry(duration_ns).or_default() += count;
        }
    }

    fn remove(&mut self, cell: &Cell) {
        self.calls -= cell.calls;
        self.errors -= cell.errors;
        for (duration_ns, count) in cell.durations.iter().flat_map(Durations::counts) {
            if let Some(known) = self.durations.get_mut(&duration_ns) {
                *known -= count;
                if *known == 0 {
                    self.durations.remove(&duration_ns);
                }
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a rate is a rounded number")]
    fn figure(&self, figure: Figure, seconds: f64) -> f64 {
        let calls = self.calls as f64;
        match figure {
            Figure::CallRate => calls / seconds,
            _ if self.calls == 0 => f64::NAN,
            Figure::ErrorRatio => self.errors as f64 / calls,
            Figure::Latency { quantile } => {
                let mut below = 0;
                let mut ranked = self.durations.iter().find(|(_, count)| {
                    below += **count;
                    below as f64 >= quantile * calls
                });
                // The product may be rounded to more than there are.
                ranked = ranked.or_else(|| self.durations.last_key_value());
                ranked.map_or(f64::NAN, |(duration_ns, _)| *duration_ns as f64 / 1e6)
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate is a rounded number")]
fn seconds(nanoseconds: i64) -> f64 {
    nanoseconds as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(number: usize) -> f64 {
        f64::from(u32::try_from(number).unwrap())
    }

    /// As the definition says it, span by span and instant by instant.
    fn naive(moving: Moving, figure: Figure, spans: &[(i64, i64, bool)]) -> Vec<f64> {
        (0..moving.count)
            .map(|at| {
                let to = moving.instant_ns(at);
                let inside = |start: i64| start > to - moving.window_ns && start <= to;
                let mut found: Vec<_> = spans.iter().filter(|span| inside(span.0)).collect();
                found.sort_by_key(|span| span.1);
                let calls = float(found.len());
                let errors = float(found.iter().filter(|span| span.2).count());
                match figure {
                    Figure::CallRate => calls / seconds(moving.window_ns),
                    _ if found.is_empty() => f64::NAN,
                    Figure::ErrorRatio => errors / calls,
                    Figure::Latency { quantile } => {
                        let mut ranks = (1..).zip(&found);
                        let ranked = ranks.find(|(rank, _)| float(*rank) >= quantile * calls);
                        f64::from(i32::try_from(ranked.unwrap().1.1).unwrap()) / 1e6
                    }
                }
            })
            .collect()
    }

    fn texts(values: &[f64]) -> Vec<String> {
        values.iter().map(|value| format!("{value:?}")).collect()
    }

    fn spans(many: i64) -> Vec<(i64, i64, bool)> {
        (0..many)
            .map(|at| (at * at % 1_009, at * 7_919 % 10_007, at % 3 == 0))
            .collect()
    }

    #[test]
    fn windows_hold_what_a_naive_count_finds_in_them() {
        let spans = spans(500);
        for (step_ns, window_ns) in [(10, 100), (100, 10), (7, 7), (13, 40), (1, 900), (5_000, 3)] {
            let moving = Moving {
                first_ns: 50,
                step_ns,
                count: 120,
                window_ns,
            };
            for figure in [
                Figure::CallRate,
                Figure::ErrorRatio,
                Figure::Latency { quantile: 0.5 },
                Figure::Latency { quantile: 0.95 },
                Figure::Latency { quantile: 1.0 },
            ] {
                let mut series = MovingSeries::default();
                for span in &spans {
                    series.add(moving, figure, *span);
                }
                let found = series.values(moving, figure);
                let expected = naive(moving, figure, &spans);
                assert_eq!(texts(&found), texts(&expected), "{figure:?} {moving:?}");
            }
        }
    }

    #[test]
    fn spans_outside_all_windows_are_not_in_the_range() {
        let moving = Moving {
            first_ns: 100,
            step_ns: 50,
            count: 3,
            window_ns: 20,
        };
        let range = moving.range();
        assert_eq!((range.start_ns, range.end_ns), (81, 201));
        let cells = [80, 81, 100, 101, 130, 131, 200, 201].map(|at| moving.cell(at));
        let (first, second, third) = (Some((0, 1)), Some((1, 2)), Some((2, 3)));
        assert_eq!(cells, [None, first, first, None, None, second, third, None]);
    }

    #[test]
    fn many_durations_are_within_half_a_percent() {
        let moving = Moving {
            first_ns: 1_100,
            step_ns: 1,
            count: 1,
            window_ns: 5_000,
        };
        let (figure, spans) = (Figure::Latency { quantile: 0.9 }, spans(20_000));
        let mut series = MovingSeries::default();
        for span in &spans {
            series.add(moving, figure, *span);
        }
        let (found, exact) = (series.values(moving, figure), naive(moving, figure, &spans));
        assert!(
            (found[0] - exact[0]).abs() <= exact[0] / 250.0,
            "{found:?} {exact:?}"
        );
        assert!(series.bytes() < 10_000, "in steps");
    }
}
