//! Where the catalog is: in the data directory, or in a PostgreSQL database.

use std::fmt;
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use crate::error::{Error, Result};

/// Where the catalog is.
#[derive(Clone, Default)]
pub enum CatalogLocation {
    /// `catalog.sqlite` in the data directory.
    #[default]
    Sqlite,
    /// A PostgreSQL database that holds nothing else in its schema.
    Postgres(Box<PgConnectOptions>),
}

impl FromStr for CatalogLocation {
    type Err = Error;

    /// Reads `sqlite` or a `postgres://` URL. The text is not repeated in errors: there may be a
    /// password in it.
    fn from_str(text: &str) -> Result<Self> {
        if text == "sqlite" {
            return Ok(Self::Sqlite);
        }
        let wrong = || {
            Error::invalid("the catalog's URL is not one")
                .with_hint("write `sqlite`, or `postgres://user:password@host:5432/database`")
        };
        if !["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| text.starts_with(scheme))
        {
            return Err(wrong());
        }
        PgConnectOptions::from_str(text)
            .map(|options| Self::Postgres(Box::new(options)))
            .map_err(|_| wrong())
    }
}

impl fmt::Display for CatalogLocation {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite => f.write_str("sqlite"),
            Self::Postgres(options) => write!(
                f,
                "postgres://{}@{}:{}/{}",
                options.get_username(),
                options.get_host(),
                options.get_port(),
                options.get_database().unwrap_or(options.get_username()),
            ),
        }
    }
}

impl fmt::Debug for CatalogLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_never_shown() {
        let location: CatalogLocation = "postgres://spoor:s3cret@db.example:5433/traces"
            .parse()
            .unwrap();
        assert_eq!(
            location.to_string(),
            "postgres://spoor@db.example:5433/traces"
        );
        assert!(!format!("{location:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_no_url_is_not_repeated() {
        for text in [
            "mysql://spoor:s3cret@db/traces",
            "postgres://spoor:s3cret@db:port/x",
            "",
        ] {
            let error = text.parse::<CatalogLocation>().unwrap_err();
            assert!(!format!("{error:?}").contains("s3cret"), "{text}");
        }
    }
}
