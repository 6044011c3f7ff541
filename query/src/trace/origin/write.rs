//! Where a failure began, as JSON.

use super::Origin;
use super::logs::{OriginLog, write_logs};
use crate::exceptions::{Exception, frames_of};
use crate::otlp::{JsonWriter, SpanRef};

/// The failure's origin, its span, and what was logged there.
pub(in crate::trace) type ToldOrigin<'a> = (&'a Origin, SpanRef<'a>, &'a [OriginLog]);

pub(in crate::trace) fn write_origin(json: &mut JsonWriter, told: Option<ToldOrigin<'_>>) {
    json.key("error_origin");
    let Some((origin, SpanRef { columns, row }, logs)) = told else {
        json.null();
        return;
    };
    json.begin_object();
    json.key("span_index");
    json.count(origin.place());
    json.key("span_id");
    json.hex(&columns.span_id(row));
    json.key("service_name");
    json.string(columns.service_name(row));
    json.key("name");
    json.string(columns.name(row));
    json.key("status_message");
    json.optional_string(columns.status_message(row));
    json.key("root_failed");
    json.bool(origin.root_failed);
    json.key("path");
    json.list(&origin.path, |json, place| json.count(*place));
    json.key("exception");
    match Exception::last_of(columns, row) {
        Some(exception) => {
            json.begin_object();
            json.key("type");
            json.optional_string(exception.kind);
            json.key("message");
            json.optional_string(exception.message);
            json.key("frames");
            json.list(
                exception.stack.map(frames_of).unwrap_or_default(),
                |json, frame| json.string(&frame),
            );
            json.end_object();
        }
        None => json.null(),
    }
    write_logs(json, logs);
    json.end_object();
}
