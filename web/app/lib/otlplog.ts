import type { Attributes, Json, LogRecord } from "../api/types";
import type { ByteMarks } from "./hex";

interface KeyValue {
  key: string;
  value: object;
}

/** Numbers without a fraction are integers: JSON does not tell them from doubles. `mark`: where it is bytes. */
function valueOf(value: Json, mark: true | ByteMarks | undefined): object {
  if (value === null) return {};
  if (typeof value === "string") return mark === true ? { bytesValue: value } : { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  const within = mark === true ? undefined : mark;
  if (Array.isArray(value)) return { arrayValue: { values: value.map((each, at) => valueOf(each, within?.[String(at)])) } };
  return { kvlistValue: { values: attributesOf(value, within) } };
}

const attributesOf = (attributes: Attributes, bytes: ByteMarks | undefined): KeyValue[] => Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value, bytes?.[key]) }));

/** A body that is a map came as one; others as text, unless the record says it was something else. */
function bodyOf({ body, body_type: type, body_fields: fields, bytes_in_body_fields: bytes }: LogRecord): object | null {
  if (body === null) return null;
  if (type === "string") return { stringValue: body };
  if (type === "bytes") return { bytesValue: body };
  if (Object.keys(fields).length > 0) return valueOf(fields, bytes);
  try {
    return valueOf(JSON.parse(body) as Json, undefined);
  } catch {
    return { stringValue: body };
  }
}

/** One record as an OTLP export request in JSON, which any collector takes. */
export function toOtlp(log: LogRecord): object {
  const body = bodyOf(log);
  const record = {
    timeUnixNano: log.time_unix_nano,
    ...(log.observed_time_unix_nano ? { observedTimeUnixNano: log.observed_time_unix_nano } : {}),
    severityNumber: log.severity_number,
    ...(log.severity_text ? { severityText: log.severity_text } : {}),
    ...(body ? { body } : {}),
    attributes: attributesOf(log.attributes, log.bytes_in_attributes),
    ...(log.trace_id ? { traceId: log.trace_id } : {}),
    ...(log.span_id ? { spanId: log.span_id } : {}),
    ...(log.event_name ? { eventName: log.event_name } : {}),
  };
  const { name, version, attributes } = log.scope;
  const scope = { ...(name ? { name } : {}), ...(version ? { version } : {}), ...(Object.keys(attributes).length > 0 ? { attributes: attributesOf(attributes, log.scope.bytes_in_attributes) } : {}) };
  return { resourceLogs: [{ resource: { attributes: attributesOf(log.resource, log.bytes_in_resource) }, scopeLogs: [{ scope, logRecords: [record] }] }] };
}
