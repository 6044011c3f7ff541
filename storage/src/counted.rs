//! What was counted of data files, in memory within a bound.
//!
//! A file never changes, so what is asked of its rows needs to be counted once. What changes is which
//! of its rows count: what is kept says for which hidden rows it is, and is of no use for others.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Weighter};

use crate::evictions::Evictions;
use crate::hidden::HiddenRows;
use crate::metrics::Metrics;
use crate::model::FileId;
use crate::snapshot::DataFile;

/// Something that can be counted of any file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct QuestionId(u64);

/// The file and what was counted of it.
type Key = (FileId, QuestionId);

#[derive(Debug, Clone)]
struct Kept {
    hidden: Option<Arc<HiddenRows>>,
    counts: Arc<dyn Any + Send + Sync>,
    bytes: u64,
}

#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<Key, Kept> for ByBytes {
    fn weight(&self, _: &Key, kept: &Kept) -> u64 {
        /// What an entry costs besides its bytes.
        const ENTRY_BYTES: u64 = 192;
        // Two bits a row at worst; it may be kept for nothing else.
        let hidden = kept.hidden.as_ref().map_or(0, |hidden| hidden.count() / 4);
        ENTRY_BYTES + kept.bytes + hidden
    }
}

/// Counts by file and question, at most so many bytes.
pub struct CountCache {
    cache: Cache<Key, Kept, ByBytes, DefaultHashBuilder, Evictions>,
    questions: AtomicU64,
    metrics: Arc<Metrics>,
}

impl std::fmt::Debug for CountCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CountCache")
            .field("entries", &self.cache.len())
            .finish_non_exhaustive()
    }
}

impl CountCache {
    pub(crate) fn new(bytes: u64, metrics: Arc<Metrics>) -> Self {
        /// Decides into how many parts the cache divides itself, each for at least 32 entries: the largest
        /// that there are, of a megabyte, must fit into one.
        const USUAL_BYTES: u64 = 1 << 16;
        let items = usize::try_from(bytes / USUAL_BYTES).unwrap_or(1).max(1);
        Self {
            cache: Cache::with(
                items,
                bytes,
                ByBytes,
                DefaultHashBuilder::default(),
                Evictions(metrics.count_cache_evictions.clone()),
            ),
            questions: AtomicU64::new(0),
            metrics,
        }
    }

    /// A question that was never asked before.
    pub fn new_question(&self) -> QuestionId {
        QuestionId(self.questions.fetch_add(1, Ordering::Relaxed))
    }

    /// What was counted of the rows of `file` that are visible now: the first of the answers to these
    /// questions that `serves`, which is told the place of the question, with that place.
    pub fn get<T: Any + Send + Sync>(
        &self,
        file: &DataFile,
        questions: &[QuestionId],
        serves: impl Fn(usize, &T) -> bool,
    ) -> Option<(usize, Arc<T>)> {
        let found = questions.iter().enumerate().find_map(|(at, question)| {
            let kept = self.cache.get(&(file.id, *question))?;
            let counts = (kept.hidden == file.hidden)
                .then(|| kept.counts.downcast::<T>().ok())
                .flatten()?;
            serves(at, &counts).then_some((at, counts))
        });
        match &found {
            Some(_) => self.metrics.count_cache_hits.inc(),
            None => self.metrics.count_cache_misses.inc(),
        };
        found
    }

    /// Keeps what was counted of the rows of `file` that are visible in this state of it, and takes
    /// about so many bytes.
    pub fn keep<T: Any + Send + Sync>(
        &self,
        file: &DataFile,
        question: QuestionId,
        counts: Arc<T>,
        bytes: usize,
    ) {
        let kept = Kept {
            hidden: file.hidden.clone(),
            counts,
            bytes: bytes as u64,
        };
        self.cache.insert((file.id, question), kept);
        self.metrics.count_cache_bytes.set(self.cache.weight());
    }
}

#[cfg(test)]
mod tests {
    use roaring::RoaringBitmap;

    use super::*;
    use crate::hidden::HiddenPart;
    use crate::model::DeletionId;
    use crate::test_rows::data_file;

    fn hiding(rows: std::ops::Range<u32>) -> Option<Arc<HiddenRows>> {
        HiddenRows::of(vec![HiddenPart {
            deletion: DeletionId::generate(),
            undoable: true,
            rows: rows.collect::<RoaringBitmap>(),
        }])
    }

    fn kept(cache: &CountCache, file: &DataFile, question: QuestionId) -> Option<u64> {
        let found = cache.get(file, &[question], |_, _: &u64| true);
        found.map(|(_, count)| *count)
    }

    #[test]
    fn counts_are_of_one_question_and_one_set_of_hidden_rows() {
        let cache = CountCache::new(1 << 20, Arc::default());
        let file = data_file(0);
        let (a, b) = (cache.new_question(), cache.new_question());
        assert_eq!(kept(&cache, &file, a), None);
        cache.keep(&file, a, Arc::new(1_u64), 8);
        assert_eq!(kept(&cache, &file, a), Some(1));
        assert_eq!(kept(&cache, &file, b), None);
        // As many rows, and others.
        let (some, others) = (file.hiding(hiding(0..3)), file.hiding(hiding(3..6)));
        assert_eq!(kept(&cache, &some, a), None);
        cache.keep(&some, a, Arc::new(2_u64), 8);
        assert_eq!(kept(&cache, &some, a), Some(2));
        assert_eq!(kept(&cache, &others, a), None);
        // Shown again.
        assert_eq!(kept(&cache, &some.hiding(None), a), None);
        assert_eq!(cache.metrics.count_cache_hits.get(), 2);
        assert_eq!(cache.metrics.count_cache_misses.get(), 5);
    }

    #[test]
    fn the_first_answer_that_serves_is_taken() {
        let cache = CountCache::new(1 << 20, Arc::default());
        let file = data_file(0);
        let questions = [(); 3].map(|()| cache.new_question());
        for (question, count) in questions.iter().zip(10_u64..) {
            cache.keep(&file, *question, Arc::new(count), 8);
        }
        let found = cache.get(&file, &questions, |at, count: &u64| at > 0 && *count < 12);
        assert_eq!(found.map(|(at, count)| (at, *count)), Some((1, 11)));
        let other_type = cache.get(&file, &questions, |_, _: &String| true);
        assert!(other_type.is_none());
    }

    #[test]
    fn what_is_kept_has_a_bound() {
        let cache = CountCache::new(10_000, Arc::default());
        let file = data_file(0);
        for _ in 0..1_000 {
            cache.keep(&file, cache.new_question(), Arc::new(1_u64), 8);
        }
        assert!(cache.cache.weight() <= 10_000);
        assert!(cache.metrics.count_cache_evictions.get() > 900);
        // None at all.
        let nothing = CountCache::new(0, Arc::default());
        let question = nothing.new_question();
        nothing.keep(&file, question, Arc::new(1_u64), 8);
        assert_eq!(kept(&nothing, &file, question), None);
    }
}
