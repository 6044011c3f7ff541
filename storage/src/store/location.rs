//! Where the object store is.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::client::SpawnedReqwestConnector;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use tokio::runtime::Handle;

use crate::error::{Error, Result};

/// One request, from sending it to its last byte.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Retries of the client on errors of the server; [`super::patient`] goes on after them.
const CLIENT_RETRIES: usize = 3;
const CLIENT_RETRY_TIMEOUT: Duration = Duration::from_secs(20);

/// Where data files are.
#[derive(Debug, Clone, Default)]
pub enum StoreLocation {
    /// Below the data directory.
    #[default]
    Local,
    /// In a bucket.
    S3(S3Location),
    /// A store that a test makes, as if it were far away.
    #[doc(hidden)]
    Test(Arc<dyn ObjectStore>),
}

/// A bucket behind S3's API, and the prefix of everything in it that is ours. Credentials come
/// from where AWS' own tools look: the environment, a web identity or the machine's role.
#[derive(Debug, Clone)]
pub struct S3Location {
    bucket: String,
    prefix: Path,
    /// Another server than Amazon's.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: Option<String>,
}

impl FromStr for S3Location {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid(format!("`{text}` is not the URL of a bucket"))
                .with_hint("write `s3://bucket` or `s3://bucket/folder`")
        };
        let rest = text.strip_prefix("s3://").ok_or_else(wrong)?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let is_bucket = (3..=63).contains(&bucket.len())
            && bucket
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
        if !is_bucket {
            return Err(wrong());
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: Path::parse(prefix.trim_end_matches('/')).map_err(|_| wrong())?,
            endpoint: None,
            region: None,
        })
    }
}

impl fmt::Display for S3Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}", self.bucket)?;
        if !self.prefix.as_ref().is_empty() {
            write!(f, "/{}", self.prefix)?;
        }
        Ok(())
    }
}

impl S3Location {
    /// The store below the prefix. Nothing is asked of it yet.
    pub(super) fn connect(&self) -> Result<Arc<dyn ObjectStore>> {
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&self.bucket)
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: CLIENT_RETRIES,
                retry_timeout: CLIENT_RETRY_TIMEOUT,
            });
        let mut plain_http = false;
        if let Some(endpoint) = &self.endpoint {
            plain_http = endpoint.starts_with("http://");
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        // Plain HTTP only to a server that was named so: `http://` in our own setting.
        let client = ClientOptions::new()
            .with_timeout(REQUEST_TIMEOUT)
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_allow_http(plain_http);
        // Connections are the affair of the threads that open storage: those of queries give way to others,
        // and a flush may use a connection that a query has opened.
        if let Ok(here) = Handle::try_current() {
            builder = builder.with_http_connector(SpawnedReqwestConnector::new(here));
        }
        let store = builder
            .with_client_options(client)
            .build()
            .map_err(|source| {
                Error::invalid(format!("the object store `{self}` cannot be used"))
                    .with_hint("check --store-url, --store-endpoint, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION")
                    .with_source(source)
            })?;
        Ok(Arc::new(PrefixStore::new(store, self.prefix.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_and_prefixes_are_read() {
        for (text, shown) in [
            ("s3://traces", "s3://traces"),
            ("s3://traces/", "s3://traces"),
            ("s3://traces/prod/eu/", "s3://traces/prod/eu"),
        ] {
            let location: S3Location = text.parse().unwrap();
            assert_eq!(location.to_string(), shown);
        }
        for text in ["", "s3://", "gs://x", "s3://a b/c", "/tmp/x"] {
            assert!(text.parse::<S3Location>().is_err(), "{text}");
        }
    }
}
