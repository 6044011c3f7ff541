use object_store::memory::InMemory;

use super::faulty::FaultyStore;
use super::*;
use crate::error::ErrorKind;
use crate::layout::parquet_path;
use crate::model::{FileId, Hour, Table, TenantId};

fn store_of(faulty: &Arc<FaultyStore>, folder: &tempfile::TempDir, cache_bytes: u64) -> Store {
    let location = StoreLocation::Test(Arc::clone(faulty) as Arc<dyn ObjectStore>);
    Store::open(&location, &Layout::new(folder.path()), cache_bytes).unwrap()
}

fn any_path() -> Path {
    parquet_path(
        &TenantId::default(),
        Table::Logs,
        Hour(7),
        FileId::generate(),
    )
}

fn noise(len: usize) -> Vec<u8> {
    let mut state = len as u64 | 1;
    let mut bytes = vec![0; len];
    for byte in &mut bytes {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        *byte = state.to_be_bytes()[2];
    }
    bytes
}

/// All files below the cache.
fn cached(folder: &tempfile::TempDir) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let cache = Layout::new(folder.path()).cache_dir();
    for name in std::fs::read_dir(cache).unwrap() {
        for file in std::fs::read_dir(name.unwrap().path()).unwrap() {
            found.push(file.unwrap().path());
        }
    }
    found
}

/// Blocks are kept by a task that nobody waits for.
async fn until_cached(folder: &tempfile::TempDir, files: usize) -> Vec<std::path::PathBuf> {
    loop {
        let found = cached(folder);
        let finished = found.iter().filter(|path| path.extension().is_none());
        if finished.count() >= files {
            return found;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_is_read_again_comes_from_the_disk_unless_it_is_torn() {
    let folder = tempfile::tempdir().unwrap();
    let faulty = Arc::new(FaultyStore::new(Arc::new(InMemory::new()), 1));
    let store = store_of(&faulty, &folder, 1 << 30);
    let (path, bytes) = (any_path(), noise(1_300_000));
    store.put(&path, bytes.clone()).await.unwrap();

    let queries = store.for_queries();
    let whole = queries.get(&path).await.unwrap();
    assert_eq!(whole.meta.size, 1_300_000);
    assert_eq!(*whole.bytes().await.unwrap(), *bytes);
    let blocks = until_cached(&folder, 3).await;

    // Gone from the store, so this can only be the disk; also after a restart.
    store.objects().delete(&path).await.unwrap();
    for range in [0..10_usize, 500_000..600_000, 1_299_990..1_300_000] {
        let reopened = store_of(&faulty, &folder, 1 << 30);
        let expected = &bytes[range.clone()];
        let range = range.start as u64..range.end as u64;
        let one = reopened.for_queries().get_range(&path, range.clone());
        assert_eq!(*one.await.unwrap(), *expected);
        let ranges = [range];
        let several = reopened.for_queries().get_ranges(&path, &ranges);
        assert_eq!(*several.await.unwrap()[0], *expected);
    }
    store.put(&path, bytes.clone()).await.unwrap();
    for (number, block) in blocks.iter().enumerate() {
        let mut torn = std::fs::read(block).unwrap();
        if number % 2 == 0 {
            torn.truncate(torn.len() / 2);
        } else {
            torn[7] ^= 1;
        }
        std::fs::write(block, torn).unwrap();
    }
    let again = store.for_queries().get(&path).await.unwrap();
    assert_eq!(
        *again.bytes().await.unwrap(),
        *bytes,
        "torn blocks are not served"
    );
    store.delete(&path).await.unwrap();
    assert!(store.for_queries().get_range(&path, 0..10).await.is_err());
}

#[tokio::test]
async fn the_cache_keeps_to_its_bound_and_may_vanish() {
    let folder = tempfile::tempdir().unwrap();
    let faulty = Arc::new(FaultyStore::new(Arc::new(InMemory::new()), 1));
    let limit = 3 << 20;
    let store = store_of(&faulty, &folder, limit);
    let mut files = Vec::new();
    for number in 0..8 {
        let (path, bytes) = (any_path(), noise(900_000 + number));
        store.put(&path, bytes.clone()).await.unwrap();
        files.push((path, bytes));
    }
    for _ in 0..2 {
        for (path, bytes) in &files {
            let got = store.for_queries().get(path).await.unwrap();
            assert_eq!(got.bytes().await.unwrap(), bytes.as_slice());
        }
        let on_disk = until_cached(&folder, 3).await;
        let sizes = on_disk.iter().filter_map(|path| path.metadata().ok());
        // What is being written at this moment comes on top.
        let sum: u64 = sizes.map(|meta| meta.len()).sum();
        assert!(sum <= limit + (2 << 20), "{sum}");
        // Blocks may be written to it at this moment.
        while std::fs::remove_dir_all(Layout::new(folder.path()).cache_dir()).is_err() {}
        std::fs::create_dir_all(Layout::new(folder.path()).cache_dir()).unwrap();
    }
}

#[tokio::test]
async fn retries_hits_misses_and_evictions_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let faulty = Arc::new(FaultyStore::new(Arc::new(InMemory::new()), 1));
    let store = store_of(&faulty, &folder, 2 << 20);
    let metrics = store.metrics().clone();
    let counted = || {
        let StoreMetrics {
            cache_hits,
            cache_misses,
            cache_evictions,
            ..
        } = &metrics;
        [cache_hits.get(), cache_misses.get(), cache_evictions.get()]
    };
    let paths = [any_path(), any_path()];
    for path in &paths {
        store.put(path, noise(1_300_000)).await.unwrap();
    }
    let read = async |path| {
        let got = store.for_queries().get_range(path, 0..1_300_000).await;
        assert_eq!(got.unwrap().len(), 1_300_000);
    };
    // Three blocks a file, and there is room for five.
    read(&paths[0]).await;
    assert_eq!(counted(), [0, 3, 0]);
    read(&paths[0]).await;
    assert_eq!(counted(), [3, 3, 0]);
    read(&paths[1]).await;
    assert_eq!(counted()[..2], [3, 6]);
    assert!(counted()[2] > 0 && metrics.cache_bytes.get() <= 2 << 20);
    assert_eq!(metrics.retries.get(), 0);
    faulty.set_away(true);
    assert!(store.objects().get(&paths[0]).await.is_err());
    assert!(metrics.retries.get() > 0);
}

#[tokio::test]
async fn a_prefix_has_one_owner_and_the_store_says_what_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let faulty = Arc::new(FaultyStore::new(Arc::new(InMemory::new()), 1));
    let store = store_of(&faulty, &folder, 1 << 20);
    store.claim("mine").await.unwrap();
    store.claim("mine").await.unwrap();
    let error = store.claim("another").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let abilities = store.probe().await.unwrap();
    assert!(abilities.create_only && abilities.lists_at_once);
    let left: Vec<_> = store.objects().list(None).try_collect().await.unwrap();
    assert_eq!(left.len(), 1, "only the owner's id is left");
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_and_a_lost_answer_is_not_taken_for_it() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..40 {
        let faulty = Arc::new(FaultyStore::new(Arc::new(InMemory::new()), seed));
        let store = store_of(&faulty, &folder, 1 << 20);
        faulty.set_calm(false);
        let path = any_path();
        store.put(&path, noise(1000)).await.unwrap();
        faulty.set_calm(true);
        let error = store.put(&path, noise(1001)).await.unwrap_err();
        assert!(error.to_string().contains("already exists"), "{error}");
        let got = store.objects().get(&path).await.unwrap();
        assert_eq!(*got.bytes().await.unwrap(), *noise(1000));
    }
}

#[tokio::test]
async fn a_large_object_goes_in_parts_and_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = noise(SINGLE_PUT_BYTES + 12_345);
    let mut stored = 0;
    for seed in 0..6 {
        let faulty = Arc::new(FaultyStore::new(Arc::new(InMemory::new()), seed));
        let store = store_of(&faulty, &folder, 1 << 20);
        let path = any_path();
        faulty.set_calm(false);
        let put = store.put(&path, bytes.clone()).await;
        faulty.set_calm(true);
        let got = store.objects().get(&path).await;
        match put {
            Ok(()) => {
                stored += 1;
                assert!(got.unwrap().bytes().await.unwrap() == bytes);
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
                if let Ok(got) = got {
                    assert!(got.bytes().await.unwrap() == bytes, "half an object");
                }
            }
        }
    }
    assert!(stored > 0, "some uploads must get through");
}
