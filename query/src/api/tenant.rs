//! Whose data a request is about: the header `X-Scope-OrgID`, or the parameter `tenant` for links and pages.

use axum::extract::FromRequestParts;
use http::HeaderValue;
use http::request::Parts;
use spoor_storage::{Error, Result, TenantId};

use super::{ApiError, ApiState};
use crate::QueryEngine;
use crate::logql::values::url_decoded;

/// The parameter that names it.
const PARAMETER: &str = "tenant";

/// No handler can begin a query without the tenant of its request.
impl FromRequestParts<QueryEngine> for ApiState {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, engine: &QueryEngine) -> Result<Self, ApiError> {
        let tenant = match parts.extensions.get::<TenantId>() {
            Some(tenant) => tenant.clone(),
            None => tenant_of(parts, None)?,
        };
        Ok(Self {
            engine: engine.clone(),
            tenant,
        })
    }
}

/// The tenant that a request names in its header, its address or its `form`; `default` if it names none.
/// Errors if a name is none, and if they are not the same.
pub(super) fn tenant_of(parts: &Parts, form: Option<&str>) -> Result<TenantId> {
    let headers = parts.headers.get_all(TenantId::HEADER).iter();
    let by_header = TenantId::of_header(headers.map(HeaderValue::as_bytes))?;
    let encoded = parts.uri.query().into_iter().chain(form);
    let pairs = encoded
        .flat_map(|encoded| encoded.split('&'))
        .filter_map(|pair| pair.split_once('='));
    let named = pairs.filter(|(name, _)| url_decoded(name) == PARAMETER);
    let values = named.map(|(_, value)| url_decoded(value));
    let by_parameter = TenantId::named(values, &format!("the parameter `{PARAMETER}`"))?;
    match (by_header, by_parameter) {
        (Some(header), Some(parameter)) if header != parameter => {
            let message = format!(
                "the header `{}` says tenant `{header}`, and the parameter `{PARAMETER}` says `{parameter}`",
                TenantId::HEADER
            );
            Err(Error::invalid(message).with_hint("send one of them, or the same in both"))
        }
        (header, parameter) => Ok(header.or(parameter).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn asked(address: &str, headers: &[&str], form: Option<&str>) -> Result<String> {
        let mut request = Request::builder().uri(address);
        for value in headers {
            request = request.header("x-scope-orgid", *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        tenant_of(&parts, form).map(|tenant| tenant.to_string())
    }

    #[test]
    fn a_request_is_about_one_tenant() {
        assert_eq!(asked("/x", &[], None).unwrap(), "default");
        assert_eq!(asked("/x?tenant=", &[""], None).unwrap(), "default");
        assert_eq!(
            asked("/x?q=1&tenant=team%2Da", &[], None).unwrap(),
            "team-a"
        );
        assert_eq!(asked("/x", &["team-a"], None).unwrap(), "team-a");
        assert_eq!(asked("/x?tenant=a", &["a"], Some("tenant=a")).unwrap(), "a");
        assert_eq!(
            asked("/x", &[], Some("query=%7B%7D&tenant=b")).unwrap(),
            "b"
        );
    }

    #[test]
    fn what_is_not_one_name_is_refused() {
        for (address, headers, form, says) in [
            (
                "/x?tenant=a",
                &["b"][..],
                None,
                "says tenant `b`, and the parameter `tenant` says `a`",
            ),
            (
                "/x?tenant=a%7Cb",
                &[],
                None,
                "the parameter `tenant` names several tenants",
            ),
            (
                "/x",
                &["a|b"],
                None,
                "the header `X-Scope-OrgID` names several tenants",
            ),
            (
                "/x?tenant=..",
                &[],
                None,
                "the parameter `tenant`: `..` is not a tenant name",
            ),
            ("/x?tenant=a&tenant=b", &[], None, "is there twice"),
            ("/x?tenant=a", &[], Some("tenant=b"), "is there twice"),
        ] {
            let error = asked(address, headers, form).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
    }
}
