//! The options of storage, collector and query: limits, most of them with defaults that fit the
//! machine.

use spoor_collector::CollectorOptions;
use spoor_query::QueryOptions;
use spoor_storage::{CatalogLocation, S3Location, StorageOptions, StoreLocation};

use super::machine::Machine;
use super::quantity;
use super::raw::RawSettings;
use super::resolve::Resolver;
use super::text::Text;

/// Rows from which on an index saves more than it costs: `docs/decisions/0009-index-from-rows.md`.
const INDEX_FROM_ROWS: usize = 8_192;

impl Resolver {
    pub(super) fn storage(&mut self, raw: RawSettings, machine: Machine) -> StorageOptions {
        let data_dir = raw.data_dir.map(|Text(path)| path);
        let mut storage = StorageOptions::new(data_dir.as_deref().unwrap_or("./spoor-data"));
        storage.catalog = self.catalog(raw.catalog_url);
        storage.store = self.store(raw.store_url, raw.store_endpoint, raw.store_region);
        storage.store_cache_bytes = self.value(
            "store_cache_bytes",
            raw.store_cache_bytes,
            quantity::size,
            storage.store_cache_bytes,
        );
        storage.ingest_memory_bytes = self.bytes(
            "ingest_memory_bytes",
            raw.ingest_memory_bytes,
            machine.ingest_memory_bytes(),
        );
        // Half of the memory is two of these: one is written while the next fills. Smaller ones
        // cost another round of merging.
        let flush_bytes = storage.ingest_memory_bytes as u64 / 4;
        storage.flush_bytes = self.bytes("flush_bytes", raw.flush_bytes, flush_bytes);
        storage.flush_interval =
            self.time("flush_interval", raw.flush_interval, storage.flush_interval);
        storage.min_free_bytes = self.value(
            "min_free_bytes",
            raw.min_free_bytes,
            quantity::size,
            storage.min_free_bytes,
        );
        let (high, low) = (raw.disk_high_water, raw.disk_low_water);
        let high = self.value("disk_high_water", high, quantity::percent, 100);
        let below = high.saturating_sub(2);
        let low = self.value("disk_low_water", low, quantity::percent, below);
        if low > high {
            self.problems.add(
                format!("`disk_low_water` ({low}%) is more than `disk_high_water` ({high}%)"),
                "writers are refused at the high mark until less than the low mark is in use",
            );
        }
        (storage.disk_high_percent, storage.disk_low_percent) = (high, low);
        storage.wal_max_bytes =
            self.bytes("wal_max_bytes", raw.wal_max_bytes, storage.wal_max_bytes) as u64;
        storage.max_tenants = self.count("max_tenants", raw.max_tenants, storage.max_tenants);
        storage.compaction_threads = self.count(
            "compaction_threads",
            raw.compaction_threads,
            machine.compaction_threads(),
        );
        storage.compaction_bytes_per_second = self.value(
            "compaction_bytes_per_second",
            raw.compaction_bytes_per_second,
            quantity::size,
            storage.compaction_bytes_per_second,
        );
        storage.index_from_rows = self.value(
            "index_from_rows",
            raw.index_from_rows,
            quantity::count,
            INDEX_FROM_ROWS,
        ) as u64;
        storage.index_cache_bytes = self.value(
            "index_cache_bytes",
            raw.index_cache_bytes,
            quantity::size,
            machine.index_cache_bytes(),
        );
        storage.retention_undo =
            self.time("retention_undo", raw.retention_undo, storage.retention_undo);
        storage.delete_deadline = self.time(
            "delete_deadline",
            raw.delete_deadline,
            storage.delete_deadline,
        );
        if storage.flush_bytes > storage.ingest_memory_bytes {
            self.problems.add(
                format!(
                    "`flush_bytes` ({}) is more than `ingest_memory_bytes` ({})",
                    storage.flush_bytes, storage.ingest_memory_bytes
                ),
                "writers would be refused before anything is flushed: make it a half or less",
            );
        }
        storage
    }

    /// What was written is not repeated when it is wrong: there may be a password in it.
    fn catalog(&mut self, url: Option<Text>) -> CatalogLocation {
        let Some(Text(url)) = url else {
            return CatalogLocation::default();
        };
        url.parse().unwrap_or_else(|error: spoor_storage::Error| {
            self.problems.add(
                "`catalog_url` is not the URL of a catalog",
                error.hint().unwrap_or_default(),
            );
            CatalogLocation::default()
        })
    }

    fn store(
        &mut self,
        url: Option<Text>,
        endpoint: Option<Text>,
        region: Option<Text>,
    ) -> StoreLocation {
        let Some(Text(url)) = url else {
            for (name, value) in [("store_endpoint", endpoint), ("store_region", region)] {
                if value.is_some() {
                    self.problems.add(
                        format!("`{name}` is set and `store_url` is not"),
                        "name the bucket: `s3://bucket/folder`",
                    );
                }
            }
            return StoreLocation::Local;
        };
        let endpoint = endpoint.map(|Text(endpoint)| endpoint);
        if let Some(endpoint) = &endpoint
            && !url::Url::parse(endpoint).is_ok_and(|url| {
                url.has_host()
                    && matches!(url.scheme(), "http" | "https")
                    && url.username().is_empty()
            })
        {
            self.problems.add(
                "`store_endpoint` is not the URL of a server",
                "write `https://minio.example:9000`; credentials are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
            );
        }
        match url.parse::<S3Location>() {
            Ok(mut location) => {
                location.endpoint = endpoint;
                location.region = region.map(|Text(region)| region);
                StoreLocation::S3(location)
            }
            Err(error) => {
                self.problems.add(
                    "`store_url` is not the URL of a bucket",
                    error.hint().unwrap_or_default(),
                );
                StoreLocation::Local
            }
        }
    }

    pub(super) fn collector(&mut self, raw: RawSettings) -> CollectorOptions {
        let defaults = CollectorOptions::default();
        CollectorOptions {
            max_request_bytes: self.bytes(
                "max_request_bytes",
                raw.max_request_bytes,
                defaults.max_request_bytes as u64,
            ),
            open_json_bodies: self.value(
                "open_json_bodies",
                raw.open_json_bodies,
                quantity::switch,
                defaults.open_json_bodies,
            ),
            cors_allowed_origins: self.origins(raw.cors_origin),
        }
    }

    pub(super) fn query(&mut self, raw: RawSettings, machine: Machine) -> QueryOptions {
        let defaults = QueryOptions::default();
        let max_concurrent = self.count(
            "query_max_concurrent",
            raw.query_max_concurrent,
            machine.query_max_concurrent(),
        );
        let total = machine.total_query_memory_bytes();
        let memory_bytes = self.bytes(
            "query_memory_bytes",
            raw.query_memory_bytes,
            machine.query_memory_bytes(),
        );
        // Who lets one query have more lets all have as much.
        let total = total.max(memory_bytes as u64);
        let total_memory_bytes = self.bytes(
            "query_total_memory_bytes",
            raw.query_total_memory_bytes,
            total,
        );
        if memory_bytes > total_memory_bytes {
            self.problems.add(
                format!(
                    "`query_memory_bytes` ({memory_bytes}) is more than `query_total_memory_bytes` ({total_memory_bytes})"
                ),
                "one query cannot have more than all together: set `query_memory_bytes` to a half of it or less",
            );
        }
        QueryOptions {
            max_concurrent,
            memory_bytes,
            total_memory_bytes,
            parallelism: self.count("query_threads", raw.query_threads, defaults.parallelism),
            stall_timeout: self.time(
                "query_stall_timeout",
                raw.query_stall_timeout,
                defaults.stall_timeout,
            ),
            export_timeout: self.time(
                "export_timeout",
                raw.export_timeout,
                defaults.export_timeout,
            ),
            spill_bytes: self.value(
                "query_spill_bytes",
                raw.query_spill_bytes,
                quantity::size,
                defaults.spill_bytes,
            ),
            timeout: self.time("query_timeout", raw.query_timeout, defaults.timeout),
            max_waiting: self.value(
                "query_max_waiting",
                raw.query_max_waiting,
                quantity::count,
                defaults.max_waiting,
            ),
            max_rows_json: self.count("query_max_rows", raw.query_max_rows, defaults.max_rows_json),
            max_export_bytes: self.value(
                "max_export_bytes",
                raw.max_export_bytes,
                quantity::size,
                defaults.max_export_bytes,
            ),
            metadata_cache_bytes: self.bytes(
                "metadata_cache_bytes",
                raw.metadata_cache_bytes,
                machine.metadata_cache_bytes(),
            ),
            trace_cache_bytes: self.bytes(
                "trace_cache_bytes",
                raw.trace_cache_bytes,
                machine.trace_cache_bytes(),
            ),
            ..defaults
        }
    }
}
