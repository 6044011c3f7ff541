//! Shapes that differ in few words become one pattern, as log lines come from few format strings.
//!
//! As in Drain, a shape is compared only with patterns that have the same gaps and the same first or last word,
//! and joins the most similar one. Shapes come most frequent first, so the order in which records came does
//! not matter. What was joined is taken apart again where a word has few values that are all frequent:
//! `payment accepted` and `payment refused` are two formats, `user alice` and `user bob` are one. The value of a
//! key (`city=rome`) is no part of a format.

use std::collections::{BTreeMap, HashMap};

use super::classify::Kind;
use super::shape::{Shape, Slot};
use super::tally::Tally;

/// Patterns that a shape is compared with, by first and by last word each.
const CANDIDATES: usize = 48;
/// A word with at most so many values, each in a good part of the records, tells patterns apart.
const MAX_FORMS: usize = 4;
/// How many records each value needs for that, and that one in so many has it.
const FORM_ROWS: u64 = 10;
const FORM_PART: u64 = 20;

/// Texts of one format.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) shape: Shape,
    pub(super) tally: Tally,
}

/// The patterns of shapes, which come most frequent first.
pub(super) fn patterns_of(shapes: &[(Shape, Tally)]) -> Vec<Pattern> {
    let mut found: BTreeMap<String, Pattern> = BTreeMap::new();
    for members in clusters(shapes) {
        for members in forms(shapes, members) {
            let Some(pattern) = joined(shapes, &members) else {
                continue;
            };
            // What is shown the same is the same.
            match found.get_mut(&pattern.shape.template()) {
                Some(known) => known.tally.merge(&pattern.tally),
                None => {
                    found.insert(pattern.shape.template(), pattern);
                }
            }
        }
    }
    let mut patterns: Vec<Pattern> = found.into_values().collect();
    // Stable: equally frequent ones stay in the order of their templates.
    patterns.sort_by_key(|pattern| std::cmp::Reverse(pattern.tally.count));
    patterns
}

#[derive(Debug)]
struct Cluster {
    shape: Shape,
    members: Vec<usize>,
}

/// Gaps, and the first or the last word (true).
type Leaf<'a> = (&'a [Box<str>], bool, Option<&'a str>);

/// Members of each cluster.
fn clusters(shapes: &[(Shape, Tally)]) -> Vec<Vec<usize>> {
    let mut list: Vec<Cluster> = Vec::new();
    let mut leaves: HashMap<Leaf<'_>, Vec<usize>> = HashMap::new();
    for (member, (shape, _)) in shapes.iter().enumerate() {
        let ends = [
            (&*shape.gaps, false, shape.slots.first().and_then(word)),
            (&*shape.gaps, true, shape.slots.last().and_then(word)),
        ];
        let best = ends
            .iter()
            .filter_map(|end| leaves.get(end))
            .flat_map(|leaf| leaf.iter().take(CANDIDATES))
            .filter_map(|at| Some((similarity(&list[*at].shape, shape)?, std::cmp::Reverse(*at))))
            .max();
        if let Some((_, std::cmp::Reverse(at))) = best {
            join(&mut list[at].shape, shape);
            list[at].members.push(member);
            continue;
        }
        for end in ends {
            leaves.entry(end).or_default().push(list.len());
        }
        list.push(Cluster {
            shape: shape.clone(),
            members: vec![member],
        });
    }
    list.into_iter().map(|cluster| cluster.members).collect()
}

/// A word that may lead to a pattern: without digits.
fn word(slot: &Slot) -> Option<&str> {
    let text = slot.text.as_deref()?;
    let plain = slot.kind == Kind::Word && !text.bytes().any(|byte| byte.is_ascii_digit());
    plain.then_some(text)
}

/// Thousandths of the words that are the same; `None` if less than half are, or the gaps differ.
fn similarity(pattern: &Shape, shape: &Shape) -> Option<usize> {
    let (mut same, mut words) = (0, 0);
    for (mine, other) in pattern.slots.iter().zip(&shape.slots) {
        let masked = |slot: &Slot| slot.kind != Kind::Word;
        if masked(mine) && masked(other) {
            continue;
        }
        words += 1;
        same += usize::from(mine.text.is_some() && mine.text == other.text);
    }
    let enough = pattern.slots.len() == shape.slots.len() && same * 2 >= words;
    enough.then(|| (same * 1_000).checked_div(words).unwrap_or(1_000))
}

fn join(pattern: &mut Shape, shape: &Shape) {
    for (mine, other) in pattern.slots.iter_mut().zip(&shape.slots) {
        if mine.text != other.text {
            mine.text = None;
        }
        let numeric = |kind| matches!(kind, Kind::Number | Kind::Id);
        if numeric(mine.kind) && numeric(other.kind) {
            // An id of digits only looks like a number.
            mine.kind = mine.kind.max(other.kind);
        } else if mine.kind != other.kind {
            *mine = Slot {
                kind: Kind::Word,
                text: None,
            };
        }
    }
}

/// A cluster taken apart by words with few, frequent values.
fn forms(shapes: &[(Shape, Tally)], members: Vec<usize>) -> Vec<Vec<usize>> {
    let mut left = vec![members];
    let mut done = Vec::new();
    while let Some(members) = left.pop() {
        match values_of_a_form(shapes, &members) {
            Some(parts) => left.extend(parts.into_values()),
            None => done.push(members),
        }
    }
    done
}

type Parts<'a> = BTreeMap<&'a str, Vec<usize>>;

/// The members by the values of the word that has the fewest, if it tells forms apart.
fn values_of_a_form<'a>(shapes: &'a [(Shape, Tally)], members: &[usize]) -> Option<Parts<'a>> {
    let slots = shapes.get(*members.first()?)?.0.slots.len();
    let rows =
        |members: &[usize]| -> u64 { members.iter().map(|member| shapes[*member].1.rows()).sum() };
    let least = FORM_ROWS.max(rows(members).div_ceil(FORM_PART));
    let gaps = &shapes.get(*members.first()?)?.0.gaps;
    let by_slot = |slot: usize| {
        if gaps[slot].trim_end().ends_with(['=', ':']) {
            return None;
        }
        let mut parts = Parts::new();
        for member in members {
            let text = word(&shapes[*member].0.slots[slot])?;
            parts.entry(text).or_default().push(*member);
            if parts.len() > MAX_FORMS {
                return None;
            }
        }
        let forms = parts.len() > 1 && parts.values().all(|part| rows(part) >= least);
        forms.then_some(parts)
    };
    (0..slots).filter_map(by_slot).min_by_key(Parts::len)
}

fn joined(shapes: &[(Shape, Tally)], members: &[usize]) -> Option<Pattern> {
    let (first, rest) = members.split_first()?;
    let (shape, tally) = shapes.get(*first)?;
    let mut pattern = Pattern {
        shape: shape.clone(),
        tally: tally.clone(),
    };
    for member in rest {
        join(&mut pattern.shape, &shapes[*member].0);
        pattern.tally.merge(&shapes[*member].1);
    }
    Some(pattern)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(texts: &[(&str, u64)]) -> Vec<(String, u64)> {
        let mut shapes: Vec<(Shape, Tally)> = texts
            .iter()
            .map(|(text, count)| {
                let tally = Tally {
                    count: *count,
                    ..Tally::default()
                };
                (Shape::of(text), tally)
            })
            .collect();
        shapes.sort_by_key(|(_, tally)| std::cmp::Reverse(tally.count));
        patterns_of(&shapes)
            .iter()
            .map(|pattern| (pattern.shape.template(), pattern.tally.count))
            .collect()
    }

    #[test]
    fn rare_variants_become_one_and_frequent_forms_stay_apart() {
        let names: Vec<String> = (0..30u8)
            .map(|at| {
                format!(
                    "user {}x logged in from 10.0.0.{at}",
                    char::from(b'a' + at % 26)
                )
            })
            .collect();
        let mut texts: Vec<(&str, u64)> = names.iter().map(|text| (text.as_str(), 3)).collect();
        texts.extend([
            ("payment of 5 EUR accepted by bank", 400),
            ("payment of 5 EUR refused by bank", 100),
            ("weather city=rome is fine", 300),
            ("weather city=oslo is fine", 300),
            ("disk full", 2),
            ("disk fine", 1),
            ("cache miss for /a/b", 2),
            ("cache miss for /a/c", 2),
        ]);
        let expected = [
            ("weather city=<*> is fine", 600),
            ("payment of <num> EUR accepted by bank", 400),
            ("payment of <num> EUR refused by bank", 100),
            ("user <*> logged in from <ip>", 90),
            ("cache miss for <path>", 4),
            ("disk <*>", 3),
        ];
        let expected: Vec<(String, u64)> = expected
            .into_iter()
            .map(|(text, count)| (text.to_owned(), count))
            .collect();
        assert_eq!(found(&texts), expected);
    }

    #[test]
    fn a_word_that_is_sometimes_a_number_is_any_word() {
        assert_eq!(
            found(&[("job 17 is done", 1), ("job x is done", 1)]),
            [("job <*> is done".to_owned(), 2)]
        );
        assert_eq!(
            found(&[("", 2), ("!!", 1)]),
            [(String::new(), 2), ("!!".to_owned(), 1)]
        );
    }
}
