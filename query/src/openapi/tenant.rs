//! The header and the parameter that every route takes.

use spoor_storage::TenantId;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, RefOr, Required};

/// Says of every operation that it can be asked about a tenant.
pub(super) fn add_to(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for operation in operations(item) {
            let parameters = operation.parameters.get_or_insert_default();
            parameters.push(parameter(
                "tenant",
                ParameterIn::Query,
                "Whose data; `default` without it. For links: the header says the same.",
            ));
            parameters.push(parameter(
                TenantId::HEADER,
                ParameterIn::Header,
                "Whose data; `default` without it. 400 if the parameter `tenant` says otherwise.",
            ));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let all = [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
    ];
    all.into_iter().filter_map(Option::as_mut)
}

fn parameter(name: &str, place: ParameterIn, says: &str) -> RefOr<Parameter> {
    let name_of_tenant = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some("^[A-Za-z0-9_-]{1,64}$"))
        .build();
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(says))
        .schema(Some(name_of_tenant))
        .build();
    RefOr::T(parameter)
}
