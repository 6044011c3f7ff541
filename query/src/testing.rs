//! A storage with known rows behind the router, for tests.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, FixedSizeBinaryBuilder, Int32Array, MapBuilder, MapFieldNames, StringArray,
    StringBuilder, TimestampNanosecondArray, UInt32Array, new_null_array,
};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use datafusion::dataframe::DataFrame;
use datafusion::physical_plan::ExecutionPlan;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use spoor_storage::model::schema::decoded_schema_of;
use spoor_storage::{
    Decode, Ingest, Storage, StorageOptions, StoreLocation, Table, TenantId, TimeRange,
};
use tower::ServiceExt;

use crate::{QueryEngine, QueryOptions, admin_router, router};

pub(crate) mod rows;
pub(crate) mod scenario;

/// 2023-01-29T08:00:00Z
pub(crate) const T0: i64 = 1_674_979_200_000_000_000;
pub(crate) const SECOND: i64 = 1_000_000_000;

type Entry = (&'static str, String, char);

/// One log record.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(crate) time_ns: i64,
    pub(crate) body: Option<String>,
    pub(crate) service: &'static str,
    pub(crate) severity_number: i32,
    pub(crate) severity_text: Option<&'static str>,
    pub(crate) event_name: Option<&'static str>,
    pub(crate) trace_id: Option<[u8; 16]>,
    pub(crate) span_id: Option<[u8; 8]>,
    pub(crate) attributes: Vec<Entry>,
    pub(crate) body_fields: Vec<Entry>,
    pub(crate) resource: Vec<Entry>,
    pub(crate) scope: Vec<Entry>,
}

impl Log {
    pub(crate) fn at(time_ns: i64, body: impl Into<String>) -> Self {
        Self {
            time_ns,
            body: Some(body.into()),
            service: "checkout",
            severity_number: 9,
            severity_text: None,
            event_name: None,
            trace_id: None,
            span_id: None,
            attributes: Vec::new(),
            body_fields: Vec::new(),
            resource: vec![("host.name", "node-1".into(), 's')],
            scope: Vec::new(),
        }
    }

    pub(crate) fn with(
        mut self,
        key: &'static str,
        value: impl std::fmt::Display,
        letter: char,
    ) -> Self {
        self.attributes.push((key, value.to_string(), letter));
        self
    }
}

fn map(rows: &[Log], entries: impl Fn(&Log) -> &[Entry]) -> ArrayRef {
    let names = MapFieldNames {
        entry: "entries".into(),
        key: "keys".into(),
        value: "values".into(),
    };
    let mut builder = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
    for row in rows {
        for (key, value, _) in entries(row) {
            builder.keys().append_value(key);
            builder.values().append_value(value);
        }
        builder.append(true).unwrap();
    }
    Arc::new(builder.finish())
}

fn letters(rows: &[Log], entries: impl Fn(&Log) -> &[Entry]) -> ArrayRef {
    let texts = rows
        .iter()
        .map(|row| entries(row).iter().map(|entry| entry.2).collect::<String>());
    Arc::new(StringArray::from_iter_values(texts))
}

/// A batch in the decoded schema of `logs`.
pub(crate) fn batch_of(rows: &[Log]) -> RecordBatch {
    let schema = decoded_schema_of(Table::Logs);
    let columns = schema
        .fields()
        .iter()
        .map(|field| column(field.name(), field.data_type(), rows))
        .collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

/// Ids of so many bytes, where rows have one.
fn ids<'a>(bytes: i32, ids: impl Iterator<Item = Option<&'a [u8]>>) -> ArrayRef {
    let mut builder = FixedSizeBinaryBuilder::new(bytes);
    for id in ids {
        match id {
            Some(id) => builder.append_value(id).unwrap(),
            None => builder.append_null(),
        }
    }
    Arc::new(builder.finish())
}

fn column(name: &str, kind: &DataType, rows: &[Log]) -> ArrayRef {
    match name {
        "time" | "received_time" => Arc::new(
            TimestampNanosecondArray::from_iter_values(rows.iter().map(|row| row.time_ns))
                .with_timezone("UTC"),
        ),
        "body" => Arc::new(
            rows.iter()
                .map(|row| row.body.clone())
                .collect::<StringArray>(),
        ),
        "body_type" => Arc::new(StringArray::from_iter_values(
            rows.iter()
                .map(|row| if row.body.is_some() { "s" } else { "n" }),
        )),
        "service_name" => Arc::new(StringArray::from_iter_values(
            rows.iter().map(|row| row.service),
        )),
        "severity_number" => Arc::new(
            rows.iter()
                .map(|row| row.severity_number)
                .collect::<Int32Array>(),
        ),
        "severity_text" => Arc::new(
            rows.iter()
                .map(|row| row.severity_text)
                .collect::<StringArray>(),
        ),
        "event_name" => Arc::new(
            rows.iter()
                .map(|row| row.event_name)
                .collect::<StringArray>(),
        ),
        "trace_id" => ids(
            16,
            rows.iter()
                .map(|row| row.trace_id.as_ref().map(<[u8; 16]>::as_slice)),
        ),
        "span_id" => ids(
            8,
            rows.iter()
                .map(|row| row.span_id.as_ref().map(<[u8; 8]>::as_slice)),
        ),
        "attributes" => map(rows, |row| &row.attributes),
        "attribute_types" => letters(rows, |row| &row.attributes),
        "body_fields" => map(rows, |row| &row.body_fields),
        "body_field_types" => letters(rows, |row| &row.body_fields),
        "resource_attributes" => map(rows, |row| &row.resource),
        "resource_attribute_types" => letters(rows, |row| &row.resource),
        "scope_attributes" => map(rows, |row| &row.scope),
        "scope_attribute_types" => letters(rows, |row| &row.scope),
        _ if *kind == DataType::UInt32 => Arc::new(UInt32Array::from(vec![0; rows.len()])),
        _ => new_null_array(kind, rows.len()),
    }
}

/// Dice that fall the same every time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % below
    }

    pub(crate) fn one_of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }
}

/// Tests do not recover.
#[derive(Debug)]
struct NoDecode;

impl Decode for NoDecode {
    fn decode(&self, table: Table, _: i64, _: &[u8]) -> spoor_storage::Result<RecordBatch> {
        Ok(RecordBatch::new_empty(decoded_schema_of(table)))
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(path, target).unwrap();
        }
    }
}

/// A storage of its own, and the router over it.
pub(crate) struct House {
    pub(crate) storage: Storage,
    pub(crate) engine: QueryEngine,
    /// Whose rows are appended.
    pub(crate) tenant: TenantId,
    router: Router,
    pub(crate) folder: tempfile::TempDir,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(QueryOptions::default()).await
    }

    /// A house on the same folder, once this one's storage is closed.
    pub(crate) async fn reopened(self) -> Self {
        let Self {
            storage,
            engine,
            router,
            folder,
            ..
        } = self;
        drop((storage, engine, router));
        Self::on(folder, QueryOptions::default()).await
    }

    pub(crate) async fn with(options: QueryOptions) -> Self {
        Self::on(tempfile::tempdir().unwrap(), options).await
    }

    /// A house that keeps nothing in memory of what it counts, nor of indexes.
    pub(crate) async fn without_caches() -> Self {
        let mut storage = StorageOptions::new("");
        storage.index_cache_bytes = 0;
        Self::of(
            tempfile::tempdir().unwrap(),
            storage,
            QueryOptions::default(),
        )
        .await
    }

    /// A house whose files are in a bucket: in memory, and behind the cache on disk as far ones are.
    pub(crate) async fn in_bucket() -> Self {
        let mut storage = StorageOptions::new("");
        let bucket = object_store::memory::InMemory::new();
        storage.store = StoreLocation::Test(Arc::new(bucket));
        let folder = tempfile::tempdir().unwrap();
        Self::of(folder, storage, QueryOptions::default()).await
    }

    /// A house whose files have an index from so many rows on.
    pub(crate) async fn indexed_from(rows: u64) -> Self {
        let mut storage = StorageOptions::new("");
        storage.index_from_rows = rows;
        let folder = tempfile::tempdir().unwrap();
        Self::of(folder, storage, QueryOptions::default()).await
    }

    /// A house on a copy of a data directory of `tests/data`.
    pub(crate) async fn on_copy_of(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = format!("{}/../tests/data/{name}", env!("CARGO_MANIFEST_DIR"));
        copy(std::path::Path::new(&data), folder.path());
        Self::on(folder, QueryOptions::default()).await
    }

    async fn on(folder: tempfile::TempDir, options: QueryOptions) -> Self {
        Self::of(folder, StorageOptions::new(""), options).await
    }

    async fn of(
        folder: tempfile::TempDir,
        mut storage: StorageOptions,
        options: QueryOptions,
    ) -> Self {
        storage.data_dir = folder.path().to_owned();
        storage.filters = Some(Arc::new(crate::language::RuleQueries));
        let storage = Storage::open(storage, Arc::new(NoDecode)).await.unwrap();
        let engine = QueryEngine::new(storage.clone(), options).unwrap();
        Self {
            router: router(engine.clone()),
            engine,
            storage,
            tenant: TenantId::default(),
            folder,
        }
    }

    /// The routes that read.
    pub(crate) fn engine_router(&self) -> Router {
        self.router.clone()
    }

    /// The routes that change stored data.
    pub(crate) fn admin(&self) -> Router {
        admin_router(self.engine.clone())
    }

    /// The same storage with other limits.
    pub(crate) fn limited(&self, options: QueryOptions) -> Router {
        router(QueryEngine::new(self.storage.clone(), options).unwrap())
    }

    pub(crate) async fn append(&self, rows: &[Log]) {
        let batch = batch_of(rows);
        self.storage
            .append(Ingest {
                tenant: self.tenant.clone(),
                table: Table::Logs,
                received_time_ns: T0,
                payload: Bytes::from_static(b"payload"),
                batch,
            })
            .await
            .unwrap();
    }

    /// A GET that must succeed; parameters are given unescaped.
    pub(crate) async fn get(&self, path: &str, parameters: &[(&str, &str)]) -> Value {
        let (status, body) = self.try_get(path, parameters).await;
        assert_eq!(status, 200, "{path} {parameters:?}: {body}");
        body
    }

    pub(crate) async fn try_get(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> (StatusCode, Value) {
        let (status, body) = self.try_get_text(path, parameters).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    pub(crate) async fn try_get_text(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
    ) -> (StatusCode, String) {
        let request = Request::get(uri(path, parameters));
        self.request(request.body(Body::empty()).unwrap()).await
    }

    /// Any request.
    pub(crate) async fn request(&self, request: Request<Body>) -> (StatusCode, String) {
        let (status, _, body) = send(&self.router, request).await;
        (status, String::from_utf8(body).unwrap())
    }

    /// Any request, to be waited for, left alone or dropped.
    pub(crate) fn ask(&self, request: Request<Body>) -> BoxFuture<'static, Response> {
        let router = self.router.clone();
        Box::pin(async move { router.oneshot(request).await.unwrap() })
    }

    /// An answer that goes on, to be read bit by bit.
    pub(crate) async fn open(
        &self,
        path: &str,
        parameters: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Response {
        let mut request = Request::get(uri(path, parameters));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// What the engine counts, as Prometheus reads it.
    pub(crate) fn metrics(&self) -> String {
        let mut registry = prometheus_client::registry::Registry::default();
        self.engine.register_metrics(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    }

    /// How often a data file has been opened for reading so far.
    pub(crate) fn opened_files(&self) -> u64 {
        let text = self.metrics();
        let counted = |name: &str| -> u64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().trim().parse().unwrap()
        };
        counted("spoor_query_footer_cache_hits_total")
            + counted("spoor_query_footer_cache_misses_total")
    }

    /// Overwrites rows of the first file of a table. Its footer stays good: what is broken is found
    /// only when the rows are read.
    pub(crate) fn break_pages(&self, table: Table) {
        let snapshot = self.storage.snapshot();
        let files = snapshot.files(&TenantId::default(), table, TimeRange::ALL);
        let path = self.folder.path().join(files[0].path.as_ref());
        let mut bytes = std::fs::read(&path).unwrap();
        let length = bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap();
        let pages = bytes.len() - 8 - u32::from_le_bytes(length) as usize;
        bytes[4..pages / 2].fill(0xa5);
        std::fs::write(&path, bytes).unwrap();
    }

    /// SQL that must succeed.
    pub(crate) async fn sql(&self, query: &str) -> Value {
        let (status, body) = self.try_sql(query).await;
        assert_eq!(status, 200, "{query}: {body}");
        body
    }

    pub(crate) async fn try_sql(&self, query: &str) -> (StatusCode, Value) {
        let (status, _, body) = send(&self.router, sql_request(query, "*/*")).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    pub(crate) async fn sql_as(&self, query: &str, accept: &str) -> (HeaderMap, String) {
        let (status, headers, body) = send(&self.router, sql_request(query, accept)).await;
        let body = String::from_utf8(body).unwrap();
        assert_eq!(status, 200, "{query}: {body}");
        (headers, body)
    }
}

pub(crate) fn sql_request(query: &str, accept: &str) -> Request<Body> {
    Request::post("/api/v1/sql")
        .header("accept", accept)
        .body(Body::from(serde_json::json!({"query": query}).to_string()))
        .unwrap()
}

pub(crate) async fn send(
    router: &Router,
    request: Request<Body>,
) -> (StatusCode, HeaderMap, Vec<u8>) {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20).await.unwrap();
    (parts.status, parts.headers, body.to_vec())
}

pub(crate) fn uri(path: &str, parameters: &[(&str, &str)]) -> String {
    let escaped: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value)))
        .collect();
    format!("{path}?{}", escaped.join("&"))
}

fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                char::from(byte).to_string()
            }
            other => format!("%{other:02X}"),
        })
        .collect()
}

/// Deletes the indexes of all files below a folder; how many they were.
pub(crate) fn delete_indexes(folder: &std::path::Path) -> usize {
    let mut deleted = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            deleted += delete_indexes(&path);
        } else if path.extension().is_some_and(|extension| extension == "idx") {
            std::fs::remove_file(&path).unwrap();
            deleted += 1;
        }
    }
    deleted
}

/// The lines of the blocks of `docs/<language>.md` that are in that language.
pub(crate) fn documented(language: &str) -> Vec<String> {
    let path = format!("{}/../docs/{language}.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let opening = format!("```{language}\n");
    text.split(&opening)
        .skip(1)
        .flat_map(|block| block.split("```").next().unwrap_or_default().lines())
        .map(str::to_owned)
        .collect()
}

/// Rows of files on which Parquet evaluated a filter, for an answer that is not empty.
pub(crate) async fn rows_read(frame: DataFrame) -> usize {
    let task = Arc::new(frame.task_ctx());
    let plan = frame.create_physical_plan().await.unwrap();
    let found = datafusion::physical_plan::collect(Arc::clone(&plan), task)
        .await
        .unwrap();
    assert!(found.iter().map(RecordBatch::num_rows).sum::<usize>() > 0);
    read_below(plan.as_ref())
}

fn read_below(plan: &dyn ExecutionPlan) -> usize {
    let metrics = plan.metrics().unwrap_or_default();
    let here: usize = ["pushdown_rows_matched", "pushdown_rows_pruned"]
        .iter()
        .filter_map(|name| metrics.sum_by_name(name))
        .map(|value| value.as_usize())
        .sum();
    let below = plan.children();
    here + below
        .iter()
        .map(|child| read_below(child.as_ref()))
        .sum::<usize>()
}
