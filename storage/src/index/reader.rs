//! Answers lookups from the parts of one index file.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use futures::future::BoxFuture;
use roaring::RoaringBitmap;
use tantivy::directory::OwnedBytes;
use tokio::sync::OnceCell;

use super::answer::RowAnswer;
use super::ids::{IDS, Ids, Kinds, LINKS};
use super::packed::{Kind, Parts, Tail, open_tail};
use super::rows::decode;
use super::segment::{PartsDirectory, Segment};
use super::terms::{Attribute, Hashed};
use super::words::{Found, Words, read_entry};
use super::{Lookup, Word, terms};
use crate::error::{Error, Result};
use crate::model::FileId;

/// Where parts are read from; what it gives is verified.
pub(super) trait Source: Send + Sync {
    /// Part number `at` of the table.
    fn part<'a>(&'a self, parts: &'a Parts, at: usize) -> BoxFuture<'a, Result<OwnedBytes>>;

    /// A part is used that was read before and is kept open.
    fn used(&self, _at: usize) {}
}

/// An index file whose table is read. Dictionaries, patterns and the segment are opened when they
/// are first needed and then kept; lists are asked for each time.
pub(super) struct IndexReader {
    parts: Parts,
    rows: u32,
    words: OnceCell<Words>,
    segment: OnceCell<Segment>,
    ids: OnceCell<Ids>,
    links: OnceCell<Ids>,
    /// Bytes that this will keep at most, for the cache's bound.
    pub(super) bytes: u64,
}

impl std::fmt::Debug for IndexReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexReader")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

/// The rows that have one word.
struct Place {
    /// Constant in their pattern.
    constant: RoaringBitmap,
    /// Variable.
    variable: RoaringBitmap,
    /// In a block that has an id which may be it; ids are variable.
    ids: RoaringBitmap,
}

impl Place {
    fn anywhere(&self) -> RowAnswer {
        let sure = &self.constant | &self.variable;
        let maybe = &sure | &self.ids;
        RowAnswer::bounds(sure, maybe)
    }

    fn variable_maybe(&self) -> RoaringBitmap {
        &self.variable | &self.ids
    }
}

/// What opening the tail of a file gave.
pub(super) enum Opening {
    Open(Box<IndexReader>),
    /// The table is longer than the tail: so many bytes are needed.
    Longer(u64),
}

impl IndexReader {
    /// Opens the index of `file` from the last bytes of its index file.
    pub(super) fn open(tail: &[u8], file_len: u64, file: FileId, rows: u64) -> Result<Opening> {
        let parts = match open_tail(tail, file_len, file, rows).map_err(Error::corrupt)? {
            Tail::Parts(parts) => parts,
            Tail::Longer(needed) => return Ok(Opening::Longer(needed)),
        };
        let kept = |kind| parts.of(kind).map(|at| parts.entries[at].len).sum::<u64>();
        // Patterns grow in memory: four bytes a token for one or two. So do buckets: four bytes for one at least.
        let bytes = parts.bytes()
            + kept(Kind::Segment)
            + kept(Kind::Words)
            + 4 * kept(Kind::Patterns)
            + 4 * (kept(Kind::IdBuckets) + kept(Kind::LinkBuckets));
        let rows = u32::try_from(rows).map_err(|_| Error::corrupt("it has too many rows"))?;
        Ok(Opening::Open(Box::new(Self {
            parts,
            rows,
            words: OnceCell::new(),
            segment: OnceCell::new(),
            ids: OnceCell::new(),
            links: OnceCell::new(),
            bytes,
        })))
    }

    /// The table of parts.
    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Whether it says which traces spans link to.
    pub(super) fn knows_links(&self) -> bool {
        self.parts.of(Kind::LinkBuckets).next().is_some()
    }

    /// Bytes of each kind of part, for the benchmark.
    pub(super) fn bytes_by_kind(&self) -> [(&'static str, u64); 7] {
        let of = |kind| {
            let parts = self.parts.of(kind);
            parts.map(|at| self.parts.entries[at].len).sum::<u64>()
        };
        let of_kinds = |kinds: &Kinds| of(kinds.heads) + of(kinds.lists) + of(kinds.marks);
        [
            ("terms by block", of(Kind::Segment)),
            ("ids by block", of_kinds(&IDS)),
            ("links by block", of_kinds(&LINKS)),
            ("dictionary", of(Kind::Words)),
            ("rows of words", of(Kind::WordRows)),
            ("patterns", of(Kind::Patterns)),
            ("rows of patterns", of(Kind::PatternRows)),
        ]
    }

    /// What is known about rows that match. Tantivy trusts the bytes it opens; if they get past
    /// their checksums and are wrong all the same, that is an error here and not the end of the
    /// process.
    pub(super) async fn answer(&self, source: &dyn Source, lookup: &Lookup) -> Result<RowAnswer> {
        let work = std::panic::AssertUnwindSafe(self.evaluate(source, lookup));
        futures::FutureExt::catch_unwind(work)
            .await
            .unwrap_or_else(|_| Err(Error::corrupt("it does not hold together")))
    }

    fn evaluate<'a>(
        &'a self,
        source: &'a dyn Source,
        lookup: &'a Lookup,
    ) -> BoxFuture<'a, Result<RowAnswer>> {
        Box::pin(async move {
            match lookup {
                Lookup::All => Ok(RowAnswer::superset(self.all())),
                Lookup::Words(sequence) => self.sequence(source, sequence).await,
                Lookup::Attribute { key, value } => {
                    let mut term = Vec::new();
                    let rows = match terms::attribute(key, value, &mut term) {
                        Attribute::Term => self.segment(source).await?.rows_with(&term)?,
                        Attribute::Hash(hash) => self.hashed(source, hash).await?,
                    };
                    Ok(RowAnswer::superset(rows))
                }
                Lookup::Trace(id) => {
                    let rows = self.hashed(source, terms::trace(&id.0)).await?;
                    Ok(RowAnswer::superset(rows))
                }
                Lookup::Traces(ids) => {
                    let hashes = ids.iter().map(|id| terms::trace(&id.0)).collect();
                    let rows = self.any_hashed(source, hashes).await?;
                    Ok(RowAnswer::superset(rows))
                }
                Lookup::Linked(id) if self.knows_links() => {
                    let hashes = vec![terms::trace(&id.0)];
                    let rows = self.any_of(source, &LINKS, hashes).await?;
                    Ok(RowAnswer::superset(rows))
                }
                Lookup::And(parts) => {
                    let mut answer = RowAnswer::exact(self.all());
                    for part in parts {
                        answer.and(&self.evaluate(source, part).await?);
                        if answer.maybe.is_empty() {
                            break;
                        }
                    }
                    Ok(answer)
                }
                Lookup::Or(parts) => {
                    let mut answer = RowAnswer::exact(RoaringBitmap::new());
                    for part in parts {
                        answer.or(&self.evaluate(source, part).await?);
                    }
                    Ok(answer)
                }
                Lookup::Not(inner) if inner.is_about_text() => {
                    let mut with_text = self.all();
                    with_text -= &self.words(source).await?.no_text;
                    let mut inner = self.evaluate(source, inner).await?;
                    inner.maybe.0 &= &with_text;
                    Ok(inner.not(&with_text))
                }
                Lookup::Without(inner) => {
                    let inner = self.evaluate(source, inner).await?;
                    Ok(inner.not(&self.all()))
                }
                Lookup::Linked(_) | Lookup::Not(_) => Ok(RowAnswer::superset(self.all())),
            }
        })
    }

    fn all(&self) -> RoaringBitmap {
        let mut all = RoaringBitmap::new();
        all.insert_range(0..self.rows);
        all
    }

    async fn sequence(&self, source: &dyn Source, sequence: &[Word]) -> Result<RowAnswer> {
        let words = self.words(source).await?;
        let mut found = Vec::with_capacity(sequence.len());
        let mut places = Vec::with_capacity(sequence.len());
        let mut answer = RowAnswer::exact(self.all());
        for word in sequence {
            let Some(one) = words.find(word)? else {
                // Too many words: the texts say which rows.
                let mut with_text = self.all();
                with_text -= &words.no_text;
                return Ok(RowAnswer::superset(with_text));
            };
            let place = self.place(source, words, word, &one).await?;
            answer.and(&place.anywhere());
            if answer.maybe.is_empty() {
                return Ok(answer);
            }
            found.push(one);
            places.push(place);
        }
        if sequence.len() == 1 {
            return Ok(answer);
        }
        let aligned = words.align(&found);
        let mut sure = self.pattern_rows(source, words, &aligned.surely).await?;
        for (place, patterns) in &aligned.single {
            let rows = self.pattern_rows(source, words, patterns).await?;
            if let Some(place) = places.get(*place) {
                sure |= rows & &place.variable;
            }
        }
        let mut maybe = sure.clone();
        for (mask, patterns) in &aligned.maybe {
            let mut rows = self.pattern_rows(source, words, patterns).await?;
            for (bit, place) in places.iter().enumerate().take(64) {
                // The last bit stands for all further words too, so it alone says nothing.
                if mask >> bit & 1 == 1 && (bit < 63 || places.len() == 64) {
                    rows &= place.variable_maybe();
                }
            }
            maybe |= rows;
        }
        maybe &= &answer.maybe.0;
        Ok(RowAnswer::bounds(sure, maybe))
    }

    /// Where one word is.
    async fn place(
        &self,
        source: &dyn Source,
        words: &Words,
        word: &Word,
        found: &Found,
    ) -> Result<Place> {
        let mut patterns = BTreeSet::new();
        let mut variable = RoaringBitmap::new();
        let rows = self.rows;
        self.lists(source, Kind::WordRows, &found.entries, |entry| {
            read_entry(entry, rows, &mut patterns, &mut variable)
        })
        .await?;
        Ok(Place {
            constant: self.pattern_rows(source, words, &patterns).await?,
            ids: self.maybe_ids(source, words, word).await?,
            variable,
        })
    }

    /// Rows of the blocks in which an id-like word may be what `word` stands for.
    async fn maybe_ids(
        &self,
        source: &dyn Source,
        words: &Words,
        word: &Word,
    ) -> Result<RoaringBitmap> {
        let mut term = Vec::new();
        match word {
            Word::Exact(token) => {
                if !terms::is_hashed(token.as_bytes()) && !words.overflow {
                    return Ok(RoaringBitmap::new());
                }
                self.hashed(source, terms::id(token.as_bytes())).await
            }
            Word::Prefix(_) | Word::Parts(_) | Word::Near { .. } | Word::Regex(_) => {
                let start = word.start().as_bytes();
                terms::stem_term(terms::stem(start), &mut term);
                let segment = self.segment(source).await?;
                if terms::stem_is_known(start) {
                    segment.rows_with(&term)
                } else {
                    segment.rows_starting(&term)
                }
            }
        }
    }

    /// Rows of the blocks that have an id of this hash.
    async fn hashed(&self, source: &dyn Source, hash: Hashed) -> Result<RoaringBitmap> {
        self.any_hashed(source, vec![hash]).await
    }

    /// Rows of the blocks that have an id of one of these hashes. Each list is read once, however many
    /// of them it has.
    async fn any_hashed(&self, source: &dyn Source, hashes: Vec<Hashed>) -> Result<RoaringBitmap> {
        self.any_of(source, &IDS, hashes).await
    }

    async fn any_of(
        &self,
        source: &dyn Source,
        kinds: &Kinds,
        mut hashes: Vec<Hashed>,
    ) -> Result<RoaringBitmap> {
        hashes.sort_unstable();
        hashes.dedup();
        let opened = match kinds.heads {
            Kind::LinkBuckets => &self.links,
            _ => &self.ids,
        };
        self.using(source, kinds.heads);
        let ids = opened
            .get_or_try_init(|| async {
                let buckets = self.only(source, kinds.heads).await?;
                Ids::open(&buckets, self.rows)
            })
            .await?;
        let (mut lists, mut hashes_of) = (Vec::new(), Vec::new());
        for together in hashes.chunk_by(|a, b| ids.list(*a) == ids.list(*b)) {
            let list = together.first().and_then(|hash| ids.list(*hash));
            if let Some(list) = list.filter(|list| !list.is_empty()) {
                lists.push(list);
                hashes_of.push(together);
            }
        }
        let mut found = Vec::new();
        let mut hashes_of = hashes_of.into_iter();
        self.lists(source, kinds.lists, &lists, |list| {
            for hashes in hashes_of.by_ref().take(1) {
                ids.find(list, hashes, &mut found)?;
            }
            Ok(())
        })
        .await?;
        if ids.has_marks() {
            // Two that were asked for can have one hash.
            found.sort_unstable_by_key(|candidate| candidate.at);
            let places: Vec<_> = found.iter().map(|one| one.at..one.at + 1).collect();
            let mut marks = Vec::with_capacity(places.len());
            self.lists(source, kinds.marks, &places, |mark| {
                marks.extend_from_slice(mark);
                Ok(())
            })
            .await?;
            let mut marks = marks.into_iter();
            found.retain(|candidate| marks.next().is_some_and(|mark| candidate.may_be(mark)));
        }
        Ok(ids.rows_of(&found))
    }

    async fn pattern_rows(
        &self,
        source: &dyn Source,
        words: &Words,
        patterns: &BTreeSet<u32>,
    ) -> Result<RoaringBitmap> {
        let mut found = RoaringBitmap::new();
        let lists = words.lists(patterns)?;
        self.lists(source, Kind::PatternRows, &lists, |list| {
            decode(list, self.rows, &mut found)
        })
        .await?;
        Ok(found)
    }

    /// Calls `each` with the bytes of an area at `ranges`, ascending; none crosses a part's border.
    async fn lists(
        &self,
        source: &dyn Source,
        kind: Kind,
        ranges: &[Range<usize>],
        mut each: impl FnMut(&[u8]) -> Result<()> + Send,
    ) -> Result<()> {
        let mut parts = self.parts.of(kind);
        let (mut start, mut end) = (0_usize, 0_usize);
        let mut bytes = OwnedBytes::empty();
        let outside = || Error::corrupt("a list is outside its part");
        for range in ranges.iter().filter(|range| !range.is_empty()) {
            while range.start >= end {
                let at = parts.next().ok_or_else(outside)?;
                start = end;
                end = usize::try_from(self.parts.entries[at].len)
                    .ok()
                    .and_then(|len| start.checked_add(len))
                    .ok_or_else(outside)?;
                if range.start < end {
                    bytes = source.part(&self.parts, at).await?;
                }
            }
            let list = range
                .start
                .checked_sub(start)
                .and_then(|from| bytes.as_slice().get(from..range.end - start));
            each(list.ok_or_else(outside)?)?;
        }
        Ok(())
    }

    fn using(&self, source: &dyn Source, kind: Kind) {
        self.parts.of(kind).for_each(|at| source.used(at));
    }

    async fn words(&self, source: &dyn Source) -> Result<&Words> {
        self.using(source, Kind::Words);
        self.using(source, Kind::Patterns);
        self.words
            .get_or_try_init(|| async {
                let dictionary = self.only(source, Kind::Words).await?;
                let patterns = self.only(source, Kind::Patterns).await?;
                Words::open(dictionary, &patterns, self.rows)
            })
            .await
    }

    async fn only(&self, source: &dyn Source, kind: Kind) -> Result<OwnedBytes> {
        let at = self.parts.of(kind).next();
        let at = at.ok_or_else(|| Error::corrupt("a part of it is missing"))?;
        source.part(&self.parts, at).await
    }

    async fn segment(&self, source: &dyn Source) -> Result<&Segment> {
        self.using(source, Kind::Segment);
        self.segment
            .get_or_try_init(|| async {
                let mut files = HashMap::new();
                for at in self.parts.of(Kind::Segment) {
                    let name = PathBuf::from(&self.parts.entries[at].name);
                    files.insert(name, source.part(&self.parts, at).await?);
                }
                Segment::open(PartsDirectory(Arc::new(files)), self.rows)
            })
            .await
    }
}
