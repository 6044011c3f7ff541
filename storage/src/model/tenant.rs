//! Whose data it is, and how requests say so.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// Whose data it is. A part of every path and every catalog row; letters, digits, `-` and `_`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TenantId(String);

impl TenantId {
    /// The header of HTTP, and the metadata of gRPC, that names the tenant of a request: the one that
    /// clients of Loki, Tempo and Mimir send.
    pub const HEADER: &str = "X-Scope-OrgID";

    /// A tenant of this name, or an error that says which characters are allowed.
    pub fn new(name: &str) -> Result<Self> {
        let valid = !name.is_empty()
            && name.len() <= 64
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if valid {
            Ok(Self(name.to_owned()))
        } else {
            Err(Error::invalid(format!(
                "`{}` is not a tenant name: use 1 to 64 letters, digits, `-` or `_`",
                shown(name)
            )))
        }
    }

    /// The tenant that the values of [`TenantId::HEADER`] in a request name; `None` if there are none,
    /// or only empty ones. Errors if one is no name, or if they are not all the same.
    pub fn of_header<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Result<Option<Self>> {
        let header = format!("the header `{}`", Self::HEADER);
        Self::named(values.into_iter().map(String::from_utf8_lossy), &header)
    }

    /// The one tenant that `names` name, without those that are empty; `None` if none is left. Errors
    /// start with `what`, where the names stood.
    pub fn named(
        names: impl IntoIterator<Item = impl AsRef<str>>,
        what: &str,
    ) -> Result<Option<Self>> {
        let mut found: Option<Self> = None;
        for name in names {
            let name = name.as_ref().trim();
            if name.is_empty() {
                continue;
            }
            if name.contains('|') {
                let message = format!("{what} names several tenants: `{}`", shown(name));
                let hint = "a request is about one tenant: ask for each on its own";
                return Err(Error::invalid(message).with_hint(hint));
            }
            let tenant =
                Self::new(name).map_err(|error| Error::invalid(format!("{what}: {error}")))?;
            match &found {
                Some(first) if *first != tenant => {
                    let message = format!("{what} is there twice: `{first}` and `{tenant}`");
                    return Err(Error::invalid(message).with_hint("send one tenant"));
                }
                _ => found = Some(tenant),
            }
        }
        Ok(found)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The beginning of what was given for a name, which may be long.
fn shown(name: &str) -> &str {
    name.get(..name.floor_char_boundary(80)).unwrap_or_default()
}

impl Default for TenantId {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for TenantId {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::new(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenant_names_cannot_leave_their_folder() {
        assert!(TenantId::new("team-a_1").is_ok());
        for name in ["", "..", "a/b", "a b", "ä", &"a".repeat(65)] {
            assert!(TenantId::new(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_header_names_one_tenant_or_none() {
        let of = |values: &[&str]| TenantId::of_header(values.iter().map(|value| value.as_bytes()));
        let team = TenantId::new("team-a").unwrap();
        assert_eq!(of(&[]).unwrap(), None);
        assert_eq!(of(&["", "  "]).unwrap(), None);
        assert_eq!(of(&[" team-a "]).unwrap(), Some(team.clone()));
        assert_eq!(of(&["team-a", "", "team-a"]).unwrap(), Some(team));
        for (values, says) in [
            (
                &["a/b"][..],
                "the header `X-Scope-OrgID`: `a/b` is not a tenant name",
            ),
            (&["a|b"], "names several tenants: `a|b`"),
            (&["a", "b"], "is there twice: `a` and `b`"),
        ] {
            let error = of(values).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::Invalid);
            assert!(error.to_string().contains(says), "{error}");
        }
        let long = "ä".repeat(5_000);
        assert!(of(&[&long]).unwrap_err().to_string().len() < 300);
        assert!(TenantId::of_header([&b"\xff\xfe"[..]]).is_err());
    }
}
