//! What the user wrote: flags, environment and file, unchecked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use super::retention::RawRetention;
use super::text::{Text, all_set, one_or_many, set};

// No `Debug`: there are tokens in it.
/// All settings of Spoor, as written.
#[derive(Clone, Default, Args, Deserialize)]
#[serde(default)]
pub(crate) struct RawSettings {
    /// Settings file (TOML): flags' names with `_` for `-`, as in `flush_interval = "10s"`
    #[arg(
        long,
        value_name = "FILE",
        env = "SPOOR_CONFIG",
        help_heading = "General"
    )]
    #[serde(skip)]
    pub(super) config: Option<PathBuf>,
    /// Folder that holds all data [default: ./spoor-data]
    #[arg(
        long,
        value_name = "DIR",
        env = "SPOOR_DATA_DIR",
        help_heading = "General"
    )]
    pub(super) data_dir: Option<Text>,
    /// Where the list of files is kept: `sqlite` (in the data folder) or
    /// `postgres://user:password@host/database`. Others on the machine can see flags: prefer the
    /// file or the environment [default: sqlite]
    #[arg(
        long,
        value_name = "URL",
        env = "SPOOR_CATALOG_URL",
        hide_env_values = true,
        help_heading = "General"
    )]
    pub(super) catalog_url: Option<Text>,
    /// Bucket that holds the data files, as `s3://bucket/folder`; without it they are in the data
    /// folder. Credentials are those of AWS' tools (AWS_ACCESS_KEY_ID, …, or the machine's role)
    #[arg(
        long,
        value_name = "URL",
        env = "SPOOR_STORE_URL",
        help_heading = "General"
    )]
    pub(super) store_url: Option<Text>,
    /// Server of the bucket if it is not Amazon's, as `https://minio.example:9000`
    #[arg(
        long,
        value_name = "URL",
        env = "SPOOR_STORE_ENDPOINT",
        help_heading = "General",
        hide_short_help = true
    )]
    pub(super) store_endpoint: Option<Text>,
    /// Region of the bucket [default: AWS_REGION, else us-east-1]
    #[arg(
        long,
        value_name = "NAME",
        env = "SPOOR_STORE_REGION",
        help_heading = "General",
        hide_short_help = true
    )]
    pub(super) store_region: Option<Text>,
    /// Disk space for what queries read from the bucket [default: 2GiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "SPOOR_STORE_CACHE_BYTES",
        help_heading = "General",
        hide_short_help = true
    )]
    pub(super) store_cache_bytes: Option<Text>,
    /// What to log: `error`, `warn`, `info`, `debug`, `trace`, or a filter such as
    /// `info,spoor_storage=debug`; without it RUST_LOG counts [default: info]
    #[arg(
        long,
        value_name = "LEVEL",
        env = "SPOOR_LOG_LEVEL",
        help_heading = "General"
    )]
    pub(super) log_level: Option<Text>,
    /// How to log to standard error: `text` or `json` [default: text]
    #[arg(
        long,
        value_name = "FORMAT",
        env = "SPOOR_LOG_FORMAT",
        help_heading = "General"
    )]
    pub(super) log_format: Option<Text>,

    /// Where OTLP/gRPC listens [default: 127.0.0.1:4317]
    #[arg(
        long,
        value_name = "ADDR",
        env = "SPOOR_OTLP_GRPC_ADDR",
        help_heading = "Listening"
    )]
    pub(super) otlp_grpc_addr: Option<Text>,
    /// Where OTLP/HTTP listens [default: 127.0.0.1:4318]
    #[arg(
        long,
        value_name = "ADDR",
        env = "SPOOR_OTLP_HTTP_ADDR",
        help_heading = "Listening"
    )]
    pub(super) otlp_http_addr: Option<Text>,
    /// Where the web UI and the query API listen [default: 127.0.0.1:4320]
    #[arg(
        long,
        value_name = "ADDR",
        env = "SPOOR_HTTP_ADDR",
        help_heading = "Listening"
    )]
    pub(super) http_addr: Option<Text>,
    /// Certificate chain (PEM); with it all three addresses speak TLS
    #[arg(
        long,
        value_name = "FILE",
        env = "SPOOR_TLS_CERT",
        help_heading = "Listening"
    )]
    pub(super) tls_cert: Option<Text>,
    /// Private key of the certificate (PEM)
    #[arg(
        long,
        value_name = "FILE",
        env = "SPOOR_TLS_KEY",
        help_heading = "Listening"
    )]
    pub(super) tls_key: Option<Text>,
    /// Web origins that may send OTLP/HTTP from browsers, as `https://shop.example`, or `*`;
    /// repeat it or separate by commas
    #[arg(
        long,
        value_name = "ORIGIN",
        env = "SPOOR_CORS_ORIGIN",
        value_delimiter = ',',
        help_heading = "Listening"
    )]
    #[serde(deserialize_with = "one_or_many")]
    pub(super) cors_origin: Vec<Text>,
    /// Host name under which a proxy or another name of this machine reaches us; repeat it or
    /// separate by commas. Without tokens no other name is answered, so that a web page cannot
    /// make a browser talk to us [default: localhost and IP addresses]
    #[arg(
        long,
        value_name = "NAME",
        env = "SPOOR_ALLOWED_HOST",
        value_delimiter = ',',
        help_heading = "Listening",
        hide_short_help = true
    )]
    #[serde(deserialize_with = "one_or_many")]
    pub(super) allowed_host: Vec<Text>,
    /// How long requests may go on after a signal to stop [default: 10s]
    #[arg(
        long,
        value_name = "TIME",
        env = "SPOOR_SHUTDOWN_TIMEOUT",
        help_heading = "Listening",
        hide_short_help = true
    )]
    pub(super) shutdown_timeout: Option<Text>,

    /// Token that writers must send (`Authorization: Bearer …`); repeat it or separate by commas.
    /// Others on the machine can see flags: prefer the file or the environment
    #[arg(
        long,
        value_name = "TOKEN",
        env = "SPOOR_INGEST_TOKEN",
        hide_env_values = true,
        value_delimiter = ',',
        help_heading = "Access"
    )]
    #[serde(deserialize_with = "one_or_many")]
    pub(super) ingest_token: Vec<Text>,
    /// File with tokens for writers, one a line
    #[arg(
        long,
        value_name = "FILE",
        env = "SPOOR_INGEST_TOKEN_FILE",
        help_heading = "Access"
    )]
    pub(super) ingest_token_file: Option<Text>,
    /// Token that readers of the API and the UI must send; as --ingest-token
    #[arg(
        long,
        value_name = "TOKEN",
        env = "SPOOR_READ_TOKEN",
        hide_env_values = true,
        value_delimiter = ',',
        help_heading = "Access"
    )]
    #[serde(deserialize_with = "one_or_many")]
    pub(super) read_token: Vec<Text>,
    /// File with tokens for readers, one a line
    #[arg(
        long,
        value_name = "FILE",
        env = "SPOOR_READ_TOKEN_FILE",
        help_heading = "Access"
    )]
    pub(super) read_token_file: Option<Text>,
    /// Token that whoever deletes or redacts records, changes retention or pins traces must send; it
    /// may also read. Without one, none of that is possible once a read token is set; as --ingest-token
    #[arg(
        long,
        value_name = "TOKEN",
        env = "SPOOR_ADMIN_TOKEN",
        hide_env_values = true,
        value_delimiter = ',',
        help_heading = "Access"
    )]
    #[serde(deserialize_with = "one_or_many")]
    pub(super) admin_token: Vec<Text>,
    /// File with tokens for deleting and retention, one a line
    #[arg(
        long,
        value_name = "FILE",
        env = "SPOOR_ADMIN_TOKEN_FILE",
        help_heading = "Access"
    )]
    pub(super) admin_token_file: Option<Text>,
    /// Listen beyond this machine without tokens: whoever reaches the port may write and read
    #[arg(long, value_name = "BOOL", env = "SPOOR_ALLOW_UNAUTHENTICATED", num_args = 0..=1, default_missing_value = "true", require_equals = true, help_heading = "Access")]
    pub(super) allow_unauthenticated: Option<Text>,

    /// Largest request taken, before and after decompression [default: 64MiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "SPOOR_MAX_REQUEST_BYTES",
        help_heading = "Ingest",
        hide_short_help = true
    )]
    pub(super) max_request_bytes: Option<Text>,
    /// Whether fields of log bodies that are JSON objects can be searched [default: true]
    #[arg(
        long,
        value_name = "BOOL",
        env = "SPOOR_OPEN_JSON_BODIES",
        help_heading = "Ingest",
        hide_short_help = true
    )]
    pub(super) open_json_bodies: Option<Text>,
    /// Memory for requests and rows that are not in files yet; over it writers are told to come
    /// back [default: an eighth of the memory, at most 256MiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "SPOOR_INGEST_MEMORY_BYTES",
        help_heading = "Ingest",
        hide_short_help = true
    )]
    pub(super) ingest_memory_bytes: Option<Text>,
    /// Write rows to files when they take this much memory [default: a quarter of
    /// --ingest-memory-bytes]
    #[arg(
        long,
        value_name = "SIZE",
        env = "SPOOR_FLUSH_BYTES",
        help_heading = "Ingest",
        hide_short_help = true
    )]
    pub(super) flush_bytes: Option<Text>,
    /// Write rows to files when the oldest has waited this long [default: 30s]
    #[arg(
        long,
        value_name = "TIME",
        env = "SPOOR_FLUSH_INTERVAL",
        help_heading = "Ingest",
        hide_short_help = true
    )]
    pub(super) flush_interval: Option<Text>,
    /// Take nothing in when the disk has less than this free [default: 256MiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "SPOOR_MIN_FREE_BYTES",
        help_heading = "Ingest",
        hide_short_help = true
    )]
    pub(super) min_free_bytes: Option<Text>,
    /// Take nothing in when this part of the disk is in use, as `95%` [default: 100%, never]
    #[arg(
        long,
        value_name = "PERCENT",
        env = "SPOOR_DISK_HIGH_WATER",
        help_heading = "Ingest",
        hide_short_help = true
    )]
    pub(super) disk_high_water: Option<Text>,
    /// … and go on when less than this part is [default: 2 points below --disk-high-water]
    #[arg(
        long,
        value_name = "PERCENT",
        env = "SPOOR_DISK_LOW_WATER",
        help_heading = "Ingest",
        hide_short_help = true
    )]
    pub(super) disk_low_water: Option<Text>,
    /// Size of the write-ahead log at which writers are told to come back [default: 4GiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "SPOOR_WAL_MAX_BYTES",
        help_heading = "Ingest",
        hide_short_help = true
    )]
    pub(super) wal_max_bytes: Option<Text>,
    /// Tenants (`X-Scope-OrgID`) that may have rows; what one more sends is refused [default: 100]
    #[arg(
        long,
        value_name = "N",
        env = "SPOOR_MAX_TENANTS",
        help_heading = "Ingest",
        hide_short_help = true
    )]
    pub(super) max_tenants: Option<Text>,

    /// Merges of files at the same time, each on a thread of low priority [default: one for every
    /// four processors, at most 4]
    #[arg(
        long,
        value_name = "N",
        env = "SPOOR_COMPACTION_THREADS",
        help_heading = "Background work",
        hide_short_help = true
    )]
    pub(super) compaction_threads: Option<Text>,
    /// What merges together read and write in a second; 0 is any amount [default: 128MiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "SPOOR_COMPACTION_BYTES_PER_SECOND",
        help_heading = "Background work",
        hide_short_help = true
    )]
    pub(super) compaction_bytes_per_second: Option<Text>,
    /// Files with fewer rows get no index: it would cost more than it saves [default: 8192]
    #[arg(
        long,
        value_name = "N",
        env = "SPOOR_INDEX_FROM_ROWS",
        help_heading = "Background work",
        hide_short_help = true
    )]
    pub(super) index_from_rows: Option<Text>,

    /// How long what a retention rule hides can come back when the rule is changed; after that its
    /// bytes are removed [default: 24h]
    #[arg(
        long,
        value_name = "TIME",
        env = "SPOOR_RETENTION_UNDO",
        help_heading = "Retention",
        hide_short_help = true
    )]
    pub(super) retention_undo: Option<Text>,
    /// Within this time the bytes of deleted records are gone from disk; queries do not see them
    /// from the start [default: 24h]
    #[arg(
        long,
        value_name = "TIME",
        env = "SPOOR_DELETE_DEADLINE",
        help_heading = "Retention",
        hide_short_help = true
    )]
    pub(super) delete_deadline: Option<Text>,

    /// Threads that answer queries and give way to ingest [default: one for each processor]
    #[arg(
        long,
        value_name = "N",
        env = "SPOOR_QUERY_THREADS",
        help_heading = "Queries",
        hide_short_help = true
    )]
    pub(super) query_threads: Option<Text>,
    /// Working memory of one query [default: half of that of all, at most 512MiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "SPOOR_QUERY_MEMORY_BYTES",
        help_heading = "Queries",
        hide_short_help = true
    )]
    pub(super) query_memory_bytes: Option<Text>,
    /// Working memory of all queries that run [default: a quarter of the memory, at most 1GiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "SPOOR_QUERY_TOTAL_MEMORY_BYTES",
        help_heading = "Queries",
        hide_short_help = true
    )]
    pub(super) query_total_memory_bytes: Option<Text>,
    /// What all queries together may spill to disk [default: 4GiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "SPOOR_QUERY_SPILL_BYTES",
        help_heading = "Queries",
        hide_short_help = true
    )]
    pub(super) query_spill_bytes: Option<Text>,
    /// How long a query may take [default: 60s]
    #[arg(
        long,
        value_name = "TIME",
        env = "SPOOR_QUERY_TIMEOUT",
        help_heading = "Queries",
        hide_short_help = true
    )]
    pub(super) query_timeout: Option<Text>,
    /// How long a client may take nothing of its answer before that is ended [default: 60s]
    #[arg(
        long,
        value_name = "TIME",
        env = "SPOOR_QUERY_STALL_TIMEOUT",
        help_heading = "Queries",
        hide_short_help = true
    )]
    pub(super) query_stall_timeout: Option<Text>,
    /// Queries at the same time [default: two for each processor, at most 8]
    #[arg(
        long,
        value_name = "N",
        env = "SPOOR_QUERY_MAX_CONCURRENT",
        help_heading = "Queries",
        hide_short_help = true
    )]
    pub(super) query_max_concurrent: Option<Text>,
    /// Queries that may wait for their turn [default: 64]
    #[arg(
        long,
        value_name = "N",
        env = "SPOOR_QUERY_MAX_WAITING",
        help_heading = "Queries",
        hide_short_help = true
    )]
    pub(super) query_max_waiting: Option<Text>,
    /// Rows of a SQL answer in JSON; more are cut off and the answer says so [default: 10000]
    #[arg(
        long,
        value_name = "N",
        env = "SPOOR_QUERY_MAX_ROWS",
        help_heading = "Queries",
        hide_short_help = true
    )]
    pub(super) query_max_rows: Option<Text>,
    /// Bytes of an export, and of a SQL answer in Arrow or Parquet; one with more is broken off
    /// [default: 1GiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "SPOOR_MAX_EXPORT_BYTES",
        help_heading = "Queries",
        hide_short_help = true
    )]
    pub(super) max_export_bytes: Option<Text>,
    /// How long an export may take [default: 15m]
    #[arg(
        long,
        value_name = "TIME",
        env = "SPOOR_EXPORT_TIMEOUT",
        help_heading = "Queries",
        hide_short_help = true
    )]
    pub(super) export_timeout: Option<Text>,
    /// Memory for opened indexes [default: a sixteenth of the memory, at most 256MiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "SPOOR_INDEX_CACHE_BYTES",
        help_heading = "Queries",
        hide_short_help = true
    )]
    pub(super) index_cache_bytes: Option<Text>,
    /// Memory for Parquet footers, and for pages of which single rows were read [default: a sixteenth of the memory, at most 256MiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "SPOOR_METADATA_CACHE_BYTES",
        help_heading = "Queries",
        hide_short_help = true
    )]
    pub(super) metadata_cache_bytes: Option<Text>,
    /// Memory for traces that windows of were asked for [default: a sixteenth of the memory, at most 256MiB]
    #[arg(
        long,
        value_name = "SIZE",
        env = "SPOOR_TRACE_CACHE_BYTES",
        help_heading = "Queries",
        hide_short_help = true
    )]
    pub(super) trace_cache_bytes: Option<Text>,

    /// Retention rules; only the file can have them.
    #[arg(skip)]
    pub(super) retention: Option<RawRetention>,

    /// Keys of the file that are no settings; `deny_unknown_fields` would tell only of the first.
    #[arg(skip)]
    #[serde(flatten)]
    pub(super) unknown: BTreeMap<String, toml::Value>,
}

impl RawSettings {
    /// These settings, and where there is none, those of `file`. Empty is not set: compose files
    /// hand on variables that the user has left empty.
    pub(super) fn or(self, file: Self) -> Self {
        let (over, under) = (self, file);
        macro_rules! layered {
            ([$($single:ident)*] [$($list:ident)*]) => {
                Self {
                    config: over.config,
                    $($single: set(over.$single).or(set(under.$single)),)*
                    $($list: Some(all_set(over.$list))
                        .filter(|values| !values.is_empty())
                        .unwrap_or_else(|| all_set(under.$list)),)*
                    retention: under.retention,
                    unknown: under.unknown,
                }
            };
        }
        layered! {
            [data_dir catalog_url store_url store_endpoint store_region store_cache_bytes log_level log_format otlp_grpc_addr otlp_http_addr http_addr tls_cert
             tls_key shutdown_timeout ingest_token_file read_token_file admin_token_file
             max_tenants retention_undo delete_deadline allow_unauthenticated
             max_request_bytes open_json_bodies ingest_memory_bytes flush_bytes flush_interval
             min_free_bytes disk_high_water disk_low_water wal_max_bytes compaction_threads
             compaction_bytes_per_second index_from_rows query_threads query_memory_bytes query_total_memory_bytes
             query_spill_bytes query_timeout query_stall_timeout query_max_concurrent query_max_waiting query_max_rows
             max_export_bytes export_timeout index_cache_bytes metadata_cache_bytes trace_cache_bytes]
            [cors_origin allowed_host ingest_token read_token admin_token]
        }
    }

    /// The names a settings file may use.
    pub(crate) fn names() -> Vec<String> {
        Self::augment_args(clap::Command::new("spoor"))
            .get_arguments()
            .map(|argument| argument.get_id().to_string())
            .filter(|name| name != "config")
            .collect()
    }
}
