//! Functions of the entries in windows of time.
//!
//! Counts add up, so of each series only where its count changes is kept: an entry costs two numbers
//! however many windows it is in. Other functions keep a cell for each window with numbers.

use std::collections::{BTreeMap, HashMap};

use spoor_storage::{Error, Result, TimeRange};

use super::cells::Cell;
use super::{Metrics, Series, Steps, too_many};
use crate::logql::ast::{Grouping, RangeAggregation, RangeFunction, TextOp};
use crate::logql::labels::{ERROR, ERROR_DETAILS, LabelSet, Labels};
use crate::logql::pipeline::Entry;
use crate::logql::rows::Needed;
use crate::logql::scan::{Budget, By, Lines, Processed, Scan, Wanted};

/// Bytes of what is kept beside the labels of a series, and of a cell.
const SERIES_BYTES: usize = 256;
const CELL_BYTES: usize = 96;

impl Metrics<'_> {
    /// The series of a function of time, one for each combination of the labels of the grouping.
    pub(crate) async fn windows(
        &mut self,
        range: &RangeAggregation,
        grouping: Option<&Grouping>,
    ) -> Result<Vec<Series>> {
        let none = Grouping::default();
        let grouping = match range.function {
            RangeFunction::Absent => Some(&none),
            _ => grouping,
        };
        let windows = Windows {
            steps: self.steps,
            range_ns: range.range_ns,
            offset_ns: range.offset_ns,
        };
        let wanted = Wanted {
            labels: wanted_labels(range, grouping),
            line: matches!(
                range.function,
                RangeFunction::Bytes | RangeFunction::BytesRate
            ),
        };
        let read = windows.read();
        let scan = Scan::new(self.session, &range.query, read, &wanted);
        let mut groups = Groups {
            range,
            grouping,
            windows,
            budget: Budget::of(self.session, "series"),
            places: HashMap::new(),
            kept: Vec::new(),
            key: Vec::new(),
        };
        let processed = match groups.counted(&scan).await? {
            Some(processed) => processed,
            None => {
                scan.each(read, |entry, record| groups.add(entry, record))
                    .await?
            }
        };
        self.processed.lines += processed.lines;
        self.processed.bytes += processed.bytes;
        if range.function == RangeFunction::Absent {
            return Ok(groups.absent());
        }
        groups.finish()
    }
}

fn wanted_labels(range: &RangeAggregation, grouping: Option<&Grouping>) -> Needed {
    let Some(grouping) = grouping.filter(|grouping| !grouping.without) else {
        return Needed::All;
    };
    let mut names = grouping.labels.clone();
    if let Some(unwrap) = &range.unwrap {
        names.push(unwrap.label.clone());
        for filter in &unwrap.filters {
            filter.names(&mut |name| names.push(name.to_owned()));
        }
    }
    Needed::names(names)
}

/// Which windows an instant is in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Windows {
    pub(super) steps: Steps,
    pub(super) range_ns: i64,
    pub(super) offset_ns: i64,
}

impl Windows {
    /// The window of a step, from (left out) and to.
    pub(super) fn of_step(&self, step: usize) -> (i64, i64) {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let at = self
            .steps
            .start_ns
            .saturating_add(step.saturating_mul(self.steps.step_ns));
        let to = at.saturating_sub(self.offset_ns);
        (to.saturating_sub(self.range_ns), to)
    }

    /// All that any window has.
    pub(super) fn read(&self) -> TimeRange {
        let (from, _) = self.of_step(0);
        let (_, to) = self.of_step(self.steps.count.saturating_sub(1));
        TimeRange {
            start_ns: from.saturating_add(1),
            end_ns: to.saturating_add(1),
        }
    }

    /// The steps whose windows have the instant: the first, and the one after the last.
    pub(super) fn of(&self, time_ns: i64) -> (usize, usize) {
        let since_start = time_ns
            .saturating_add(self.offset_ns)
            .saturating_sub(self.steps.start_ns);
        let count = i64::try_from(self.steps.count).unwrap_or(i64::MAX);
        let step_from = |since: i64| {
            let step = self.steps.step_ns;
            let up = since.div_euclid(step) + i64::from(since.rem_euclid(step) > 0);
            usize::try_from(up.clamp(0, count)).unwrap_or(0)
        };
        let first = step_from(since_start);
        (first, step_from(since_start.saturating_add(self.range_ns)))
    }
}

/// The numbers of one series.
#[derive(Debug)]
enum Kept {
    /// How entries and their numbers change from one step to the next.
    Changes(BTreeMap<usize, (i64, i64)>),
    Cells(BTreeMap<usize, Cell>),
}

#[derive(Debug)]
struct Group {
    labels: LabelSet,
    kept: Kept,
}

#[derive(Debug)]
struct Groups<'a> {
    range: &'a RangeAggregation,
    /// `None`: by all labels.
    grouping: Option<&'a Grouping>,
    windows: Windows,
    budget: Budget,
    places: HashMap<Vec<u8>, usize>,
    kept: Vec<Group>,
    /// Used again and again.
    key: Vec<u8>,
}

impl Groups<'_> {
    /// Counts what files are known to have. `None` if the query asks for more than that, and nothing was added.
    async fn counted(&mut self, scan: &Scan<'_>) -> Result<Option<Processed>> {
        use RangeFunction as F;
        let counts = matches!(
            self.range.function,
            F::Rate | F::Count | F::Bytes | F::BytesRate | F::Absent
        );
        let named = self.grouping.filter(|grouping| !grouping.without);
        let (true, None, Some(grouping)) = (counts, &self.range.unwrap, named) else {
            return Ok(None);
        };
        let Some(parts) = self.windows.parts() else {
            return Ok(None);
        };
        let by = By::Labels(grouping.labels.iter().cloned().collect());
        let Some((counted, processed)) = scan.count(by, &parts).await? else {
            return Ok(None);
        };
        for counted in counted {
            let time_ns = self.windows.instant_in(parts[counted.part], counted.bucket);
            let (first, end) = self.windows.of(time_ns);
            if first < end {
                let labels = counted.labels.iter();
                let labels = labels.map(|(name, value)| (name.as_str(), value.as_str()));
                let place = self.place(&labels.collect::<Vec<_>>())?;
                self.change(place, (first, end), counted.lines)?;
            }
        }
        Ok(Some(processed))
    }

    /// Adds entries to the windows of some steps of a series that counts them.
    fn change(&mut self, place: usize, (first, end): (usize, usize), lines: Lines) -> Result<()> {
        let Kept::Changes(changes) = &mut self.kept[place].kept else {
            return Ok(());
        };
        let mut more = 0;
        let [entries, bytes] =
            [lines.entries, lines.bytes].map(|number| i64::try_from(number).unwrap_or(i64::MAX));
        for (step, sign) in [(first, 1), (end, -1)] {
            let change = changes.entry(step).or_insert_with(|| {
                more += CELL_BYTES;
                (0, 0)
            });
            change.0 += sign * entries;
            change.1 += sign * bytes;
        }
        self.budget.grow(more)
    }

    fn add(&mut self, mut entry: Entry<'_>, record: i64) -> Result<()> {
        let number = match &self.range.unwrap {
            None => None,
            Some(unwrap) => match entry.unwrapped(unwrap) {
                Some(number) => Some(number),
                None => return Ok(()),
            },
        };
        check_error(&entry.labels)?;
        let (first, end) = self.windows.of(entry.time_ns);
        if first >= end {
            return Ok(());
        }
        let place = self.place(&shown(&entry.labels, self.grouping))?;
        let function = self.range.function;
        let Kept::Cells(cells) = &mut self.kept[place].kept else {
            let lines = Lines {
                entries: 1,
                bytes: entry.line.len() as u64,
            };
            return self.change(place, (first, end), lines);
        };
        let mut more = 0;
        let number = number.unwrap_or_default();
        for step in first..end {
            let cell = cells.entry(step).or_insert_with(|| {
                more += CELL_BYTES;
                Cell::empty(function)
            });
            more += cell.add(function, (entry.time_ns, record), number);
        }
        if more > 0 {
            self.budget.grow(more)?;
        }
        Ok(())
    }

    /// The place of the series with these labels, which are in order.
    fn place(&mut self, shown: &[(&str, &str)]) -> Result<usize> {
        self.key.clear();
        for (name, value) in shown {
            for text in [name, value] {
                self.key.extend(text.len().to_le_bytes());
                self.key.extend(text.as_bytes());
            }
        }
        if let Some(place) = self.places.get(self.key.as_slice()) {
            return Ok(*place);
        }
        self.budget.grow(self.key.len() * 2 + SERIES_BYTES)?;
        let counts = self.range.unwrap.is_none() || self.range.function == RangeFunction::Absent;
        let place = self.kept.len();
        self.kept.push(Group {
            labels: shown
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            kept: if counts {
                Kept::Changes(BTreeMap::new())
            } else {
                Kept::Cells(BTreeMap::new())
            },
        });
        self.places.insert(self.key.clone(), place);
        Ok(place)
    }

    fn finish(self) -> Result<Vec<Series>> {
        let steps = self.windows.steps.count;
        if self.kept.len().saturating_mul(steps) > super::MAX_NUMBERS {
            return Err(too_many(self.kept.len()));
        }
        let (function, windows) = (self.range.function, self.windows);
        let seconds = windows.range_ns as f64 / 1e9;
        let mut found: Vec<Series> = self
            .kept
            .into_iter()
            .map(|group| Series {
                labels: group.labels,
                samples: match group.kept {
                    Kept::Changes(changes) => {
                        counted(&changes, steps, |entries, bytes| match function {
                            RangeFunction::Rate => entries / seconds,
                            RangeFunction::Bytes => bytes,
                            RangeFunction::BytesRate => bytes / seconds,
                            _ => entries,
                        })
                    }
                    Kept::Cells(cells) => {
                        let mut samples = vec![None; steps];
                        for (step, cell) in cells {
                            samples[step] = cell.sample(function, windows.of_step(step));
                        }
                        samples
                    }
                },
            })
            .collect();
        found.retain(|series| series.samples.iter().any(Option::is_some));
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        Ok(found)
    }

    /// 1 at each step whose window has no entry, with the labels that the query asks for.
    fn absent(self) -> Vec<Series> {
        let steps = self.windows.steps.count;
        let there = match self.kept.first().map(|group| &group.kept) {
            Some(Kept::Changes(changes)) => counted(changes, steps, |_, _| 1.0),
            _ => vec![None; steps],
        };
        let samples: Vec<Option<f64>> = there
            .iter()
            .map(|there| there.is_none().then_some(1.0))
            .collect();
        let equal =
            self.range.query.matchers.iter().filter(|matcher| {
                matcher.test.op == TextOp::Equal && !matcher.test.value.is_empty()
            });
        let labels = equal.map(|matcher| (matcher.name.clone(), matcher.test.value.clone()));
        let series = Series {
            labels: labels.collect(),
            samples,
        };
        let any = series.samples.iter().any(Option::is_some);
        any.then_some(series).into_iter().collect()
    }
}

/// The labels of a series, in order of names.
fn shown<'l>(labels: &'l Labels<'_>, grouping: Option<&'l Grouping>) -> Vec<(&'l str, &'l str)> {
    let mut shown: Vec<(&str, &str)> = labels
        .iter()
        .map(|label| (label.name.as_ref(), label.value.as_ref()))
        .filter(|(name, _)| match grouping {
            None => true,
            Some(grouping) => grouping.labels.iter().any(|given| given == name) != grouping.without,
        })
        .collect();
    shown.sort_unstable();
    shown
}

/// Samples of the steps that have entries.
fn counted(
    changes: &BTreeMap<usize, (i64, i64)>,
    steps: usize,
    sample: impl Fn(f64, f64) -> f64,
) -> Vec<Option<f64>> {
    let (mut entries, mut bytes) = (0, 0);
    (0..steps)
        .map(|step| {
            if let Some(change) = changes.get(&step) {
                entries += change.0;
                bytes += change.1;
            }
            (entries > 0).then(|| sample(entries as f64, bytes as f64))
        })
        .collect()
}

/// Numbers of entries that something is wrong with would be wrong.
fn check_error(labels: &Labels<'_>) -> Result<()> {
    match labels.get(ERROR) {
        Some(error) if labels.value("__preserve_error__") != "true" => Err(Error::invalid(format!(
            "pipeline error: `{error}`: {}",
            labels.value(ERROR_DETAILS)
        ))
        .with_hint(format!(
            "leave such lines out with | __error__!=\"{error}\" or | __error__=\"\", or forget the error with | drop __error__"
        ))),
        _ => Ok(()),
    }
}
