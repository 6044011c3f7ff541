//! Which rows a window has.

use std::collections::HashSet;

use super::whole::{PlacedSpan, WholeTrace};

/// Whose clock times are looked at by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Clock {
    /// As they were sent.
    #[default]
    Raw,
    /// That of the root.
    Adjusted,
}

/// What is looked at.
#[derive(Debug, Clone)]
pub(super) struct Window {
    /// Nanoseconds since the Unix epoch; a span that ends at or after the first and starts before the second.
    pub(super) from_ns: i64,
    pub(super) to_ns: i64,
    pub(super) clock: Clock,
    /// Only what is below the span at this place, and itself.
    pub(super) under: Option<usize>,
    /// Only rows at later places.
    pub(super) after: Option<usize>,
    /// Levels shown at most.
    pub(super) depth: usize,
    /// Rows at most.
    pub(super) limit: usize,
    /// Whether similar siblings are one row, but for the groups that begin at these places.
    pub(super) similar: Option<HashSet<usize>>,
    /// By place, whether a span is looked for; `None` if all are.
    pub(super) only: Option<Vec<bool>>,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    /// Of the span, or of the first one of the group.
    pub(super) place: usize,
    /// The number of the group that it stands for.
    pub(super) group: Option<usize>,
    /// Descendants that are no rows of this answer nor of a page before and that none stands for, whether in the
    /// window or not.
    pub(super) hidden_spans: usize,
    pub(super) hidden_errors: usize,
    /// Where only some spans are looked for, whether it is one of them or stands for one.
    pub(super) matched: Option<bool>,
}

/// The rows of a window.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct WindowRows {
    pub(super) rows: Vec<Row>,
    /// Spans in the window, shown or not.
    pub(super) span_count: usize,
    pub(super) error_count: usize,
    /// Levels that are shown; those below are summed up.
    pub(super) depth: usize,
    /// After which place the next page begins, if not all rows of these levels fit.
    pub(super) next_after: Option<usize>,
}

/// For each place how many of the places before it have something.
struct Before(Vec<u32>);

impl Before {
    fn of(places: usize, has: impl Fn(usize) -> bool) -> Self {
        let mut counts = Vec::with_capacity(places + 1);
        let mut count = 0;
        counts.push(0);
        for place in 0..places {
            count += u32::from(has(place));
            counts.push(count);
        }
        Self(counts)
    }

    /// How many from one place to before another.
    fn between(&self, from: usize, to: usize) -> usize {
        (self.0[to] - self.0[from]) as usize
    }
}

impl Window {
    /// All rows of a trace, each span by itself.
    pub(super) fn of_all(clock: Clock) -> Self {
        Self {
            from_ns: i64::MIN,
            to_ns: i64::MAX,
            clock,
            under: None,
            after: None,
            depth: usize::MAX,
            limit: usize::MAX,
            similar: None,
            only: None,
        }
    }

    /// Whether the span at a place is in it and, where only some are looked for, one of them.
    fn has(&self, trace: &WholeTrace, place: usize) -> bool {
        self.is_wanted(place) != Some(false) && self.is_in_time(&trace.spans[place])
    }

    /// Whether the span at a place is one of those that are looked for, if only some are.
    pub(super) fn is_wanted(&self, place: usize) -> Option<bool> {
        let only = self.only.as_ref()?;
        Some(only.get(place).copied().unwrap_or_default())
    }

    fn is_in_time(&self, span: &PlacedSpan) -> bool {
        let start_ns = match self.clock {
            Clock::Raw => span.start_ns,
            Clock::Adjusted => span.start_ns.saturating_add(span.skew_ns),
        };
        let end_ns = start_ns.saturating_add(span.duration_ns.max(0));
        start_ns < self.to_ns && end_ns >= self.from_ns
    }

    /// The number of the group as a part of which a span is shown.
    pub(super) fn folds(&self, trace: &WholeTrace, place: usize) -> Option<usize> {
        let open = self.similar.as_ref()?;
        let group = trace.spans[place].group()?;
        let is_open = open.contains(&trace.groups[group].first) || self.under == Some(place);
        (!is_open).then_some(group)
    }
}

/// A window of a trace, while its rows are looked for.
struct Search<'a> {
    trace: &'a WholeTrace,
    window: &'a Window,
    in_window: Before,
    /// The places that it is about.
    first: usize,
    end: usize,
    /// The level at the top.
    top: usize,
    /// By number, whether a group that is one row reaches into the window.
    reaching: Vec<bool>,
    /// By number, whether only some of a group are looked for: one row for all of them would hide which.
    divided: Vec<bool>,
}

impl Search<'_> {
    /// Calls `each` with the place of every span that is not below one that is shown as a part of a group, and with
    /// the number of that group for one that is itself.
    fn walk(&self, mut each: impl FnMut(usize, Option<usize>)) {
        let mut place = self.first;
        while place < self.end {
            let group = self.window.folds(self.trace, place);
            let group = group.filter(|group| self.divided.get(*group) != Some(&true));
            each(place, group);
            place = match group {
                Some(_) => self.trace.end_of(place),
                None => place + 1,
            };
        }
    }

    fn level(&self, place: usize) -> usize {
        (self.trace.spans[place].depth as usize).saturating_sub(self.top)
    }

    /// A span outside is shown if one below it is inside: it says where that belongs.
    fn reaches(&self, place: usize) -> bool {
        self.in_window.between(place, self.trace.end_of(place)) > 0
    }

    /// Where only some spans are looked for, finds the groups of which some members lead to none, at whatever time.
    fn mark_divided(&mut self) {
        let Some(only) = &self.window.only else {
            return;
        };
        let wanted = Before::of(only.len(), |place| only[place]);
        let mut divided = vec![false; self.trace.groups.len()];
        for (place, span) in self.trace.spans.iter().enumerate() {
            if let Some(group) = span.group() {
                divided[group] |= wanted.between(place, self.trace.end_of(place)) == 0;
            }
        }
        self.divided = divided;
    }

    /// By number, whether a group has one of the spans that are looked for.
    fn wanted_groups(&self) -> Vec<bool> {
        let mut wanted = vec![false; self.trace.groups.len()];
        for (place, span) in self.trace.spans.iter().enumerate() {
            if let Some(group) = span.group() {
                wanted[group] |= self.window.is_wanted(place) == Some(true);
            }
        }
        wanted
    }

    fn mark_reaching(&mut self) {
        let mut reaching = vec![false; self.trace.groups.len()];
        self.walk(|place, group| {
            if let Some(group) = group {
                reaching[group] |= self.reaches(place);
            }
        });
        self.reaching = reaching;
    }

    /// Whether a place has a row, as far as time decides.
    fn has_row(&self, place: usize, group: Option<usize>) -> bool {
        match group {
            Some(group) => self.reaching[group] && self.trace.groups[group].first == place,
            None => self.reaches(place),
        }
    }

    /// The most levels of which all rows fit, but always the first that has any.
    fn depth(&self) -> usize {
        let mut by_level: Vec<usize> = Vec::new();
        self.walk(|place, group| {
            if self.has_row(place, group) {
                let level = self.level(place);
                if level >= by_level.len() {
                    by_level.resize(level + 1, 0);
                }
                by_level[level] += 1;
            }
        });
        let mut depth = 0;
        let mut rows = 0;
        for of_level in by_level.iter().take(self.window.depth) {
            rows += of_level;
            if depth > 0 && rows > self.window.limit {
                break;
            }
            depth += 1;
        }
        // Under one span its children are what is asked for, even if they do not all fit.
        if depth == 1 && by_level.first() == Some(&1) && by_level.len() > 1 && self.window.depth > 1
        {
            depth = 2;
        }
        depth
    }
}

impl WindowRows {
    /// The rows of `window`. Linear in the spans.
    pub(super) fn of(trace: &WholeTrace, window: &Window) -> Self {
        let spans = &trace.spans;
        let inside = |place: usize| window.has(trace, place);
        let first = window.under.unwrap_or(0).min(spans.len());
        let end = match window.under {
            Some(under) if under < spans.len() => trace.end_of(under),
            _ => spans.len(),
        };
        let mut search = Search {
            trace,
            window,
            in_window: Before::of(spans.len(), inside),
            first,
            end,
            top: spans.get(first).map_or(0, |span| span.depth as usize),
            reaching: Vec::new(),
            divided: Vec::new(),
        };
        search.mark_divided();
        search.mark_reaching();
        let depth = search.depth();
        let after = window.after.map_or(first, |after| after.saturating_add(1));
        let mut rows: Vec<(usize, Option<usize>)> = Vec::new();
        // Those that are rows, here or on a page before, and those that one of them stands for.
        let mut told = vec![false; spans.len()];
        let mut shown = vec![false; trace.groups.len()];
        let mut more = false;
        search.walk(|place, group| {
            let has_row = search.has_row(place, group) && search.level(place) < depth;
            if has_row && rows.len() == window.limit && place >= after {
                more = true;
            }
            if has_row && !more {
                told[place] = true;
                if let Some(group) = group {
                    shown[group] = true;
                }
                if place >= after {
                    rows.push((place, group));
                }
            }
            if let Some(group) = group {
                told[place] = shown[group];
            }
        });
        let next_after = rows.last().map(|(place, _)| *place).filter(|_| more);
        let hidden = Before::of(spans.len(), |place| !told[place]);
        let errors = Before::of(spans.len(), |place| !told[place] && spans[place].error);
        let mut found = Self {
            rows: Vec::with_capacity(rows.len()),
            span_count: search.in_window.between(first, end),
            error_count: (first..end)
                .filter(|place| inside(*place) && spans[*place].error)
                .count(),
            depth,
            next_after,
        };
        let below = |place: usize| (place + 1, trace.end_of(place));
        let counts = |place: usize| {
            let (from, to) = below(place);
            (hidden.between(from, to), errors.between(from, to))
        };
        let wanted_groups = window.only.as_ref().map(|_| search.wanted_groups());
        found.rows.extend(rows.into_iter().map(|(place, group)| {
            let (hidden_spans, hidden_errors) = counts(place);
            let of_group = wanted_groups.as_ref().zip(group);
            Row {
                place,
                group,
                hidden_spans,
                hidden_errors,
                matched: match of_group {
                    Some((wanted, group)) => Some(wanted[group]),
                    None => window.is_wanted(place),
                },
            }
        }));
        found.add_members(trace, window, &search, counts);
        found
    }

    /// What hangs below the other members of a group hangs below its row.
    fn add_members(
        &mut self,
        trace: &WholeTrace,
        window: &Window,
        search: &Search<'_>,
        counts: impl Fn(usize) -> (usize, usize),
    ) {
        if window.similar.is_none() {
            return;
        }
        let mut row_of: Vec<Option<usize>> = vec![None; trace.groups.len()];
        for (at, row) in self.rows.iter().enumerate() {
            if let Some(group) = row.group {
                row_of[group] = Some(at);
            }
        }
        search.walk(|place, group| {
            let row = group.and_then(|group| row_of[group]);
            if let Some(row) = row.and_then(|at| self.rows.get_mut(at))
                && row.place != place
            {
                let (hidden_spans, hidden_errors) = counts(place);
                row.hidden_spans += hidden_spans;
                row.hidden_errors += hidden_errors;
            }
        });
    }
}
