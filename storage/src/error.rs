//! One error type for the whole house: the kind says what the receiver must do.

use std::fmt;
use std::time::Duration;

/// What the receiver of an error must do about it. Closed on purpose: every place that maps it
/// (HTTP status, gRPC code, metric label) is a total function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong; sending it again unchanged cannot succeed.
    Invalid,
    /// The request is over a size limit.
    TooLarge,
    /// The media type or content encoding is not one we read.
    Unsupported,
    /// Credentials are missing or wrong.
    Unauthenticated,
    /// The thing asked for does not exist.
    NotFound,
    /// The thing exists already or is held by somebody else.
    Conflict,
    /// A limit is reached; try again after [`Error::retry_after`].
    Busy,
    /// The work took longer than it may.
    Timeout,
    /// Somebody stopped the work.
    Cancelled,
    /// The service cannot do this now (shutting down, disk full).
    Unavailable,
    /// Stored bytes are not what was written.
    Corrupt,
    /// A fault of ours.
    Internal,
}

impl ErrorKind {
    /// The HTTP status code (RFC 9110) of this kind.
    pub fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthenticated => 401,
            Self::NotFound => 404,
            // Nobody wants it tried again by itself, as clients and proxies do after 5xx and 429.
            Self::Conflict | Self::Cancelled => 409,
            Self::TooLarge => 413,
            Self::Unsupported => 415,
            Self::Busy => 429,
            Self::Timeout => 504,
            Self::Unavailable => 503,
            Self::Corrupt | Self::Internal => 500,
        }
    }

    /// The gRPC status code (`google.rpc.Code`) of this kind.
    pub fn grpc_code(self) -> i32 {
        match self {
            Self::Cancelled => 1,
            Self::Invalid | Self::Unsupported => 3,
            Self::Timeout => 4,
            Self::NotFound => 5,
            Self::Conflict => 6,
            Self::TooLarge | Self::Busy => 8,
            Self::Internal => 13,
            Self::Unavailable => 14,
            Self::Corrupt => 15,
            Self::Unauthenticated => 16,
        }
    }

    /// The word for this kind in metrics and in the `code` of an API error.
    pub fn label(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
            Self::Unsupported => "unsupported",
            Self::Unauthenticated => "unauthenticated",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
            Self::Internal => "internal",
        }
    }
}

/// A failure: its kind, a message for the user, and optionally a hint on what to do next.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    hint: Option<String>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The result type of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind`; `message` is lower-case, names what was wrong, and has no full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            retry_after: None,
            source: None,
        }
    }

    /// Adds what the user can do about it.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds when to try again.
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// Adds the cause.
    pub fn with_source(
        mut self,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What the receiver must do.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message for the user.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do next, if we know.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// When to try again, if trying again makes sense.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Shorthand for [`ErrorKind::Invalid`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// Shorthand for [`ErrorKind::Internal`].
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// An I/O failure of ours, with what was being done.
    pub fn from_io(doing: impl Into<String>, source: std::io::Error) -> Self {
        Self::internal(doing).with_source(source)
    }

    /// Shorthand for [`ErrorKind::Corrupt`].
    pub fn corrupt(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Corrupt, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}

/// Gives a foreign error its kind and says what was being done when it happened.
macro_rules! internal_from {
    ($($foreign:ty => $what:literal),* $(,)?) => {$(
        impl From<$foreign> for Error {
            fn from(source: $foreign) -> Self {
                Self::internal($what).with_source(source)
            }
        }
    )*};
}

internal_from! {
    arrow::error::ArrowError => "arrow computation failed",
    parquet::errors::ParquetError => "parquet file operation failed",
    sqlx::Error => "catalog operation failed",
    tantivy::TantivyError => "index operation failed",
    serde_json::Error => "stored json is not readable",
}

impl From<object_store::Error> for Error {
    /// What a remote store did not do may be done later; a local disk's errors are ours.
    fn from(source: object_store::Error) -> Self {
        match &source {
            object_store::Error::Generic { store, .. } if *store != "LocalFileSystem" => {
                Self::new(ErrorKind::Unavailable, "the object store cannot be reached")
                    .with_hint("spoor goes on by itself when it is back")
                    .with_retry_after(Duration::from_secs(5))
                    .with_source(source)
            }
            _ => Self::internal("object store operation failed").with_source(source),
        }
    }
}
