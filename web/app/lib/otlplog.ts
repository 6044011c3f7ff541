import type { Attributes, Json, LogRecord } from "../api/types";

interface KeyValue {
  key: string;
  value: object;
}

/** Numbers without a fraction are integers: JSON does not tell them from doubles. */
function valueOf(value: Json): object {
  if (value === null) return {};
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  if (Array.isArray(value)) return { arrayValue: { values: value.map(valueOf) } };
  return { kvlistValue: { values: attributesOf(value) } };
}

const attributesOf = (attributes: Attributes): KeyValue[] => Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value) }));

/** A body that is a map came as one; others as text, unless the record says it was something else. */
function bodyOf({ body, body_type: type, body_fields: fields }: LogRecord): object | null {
  if (body === null) return null;
  if (type === "string") return { stringValue: body };
  if (Object.keys(fields).length > 0) return valueOf(fields);
  try {
    return valueOf(JSON.parse(body) as Json);
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
    attributes: attributesOf(log.attributes),
    ...(log.trace_id ? { traceId: log.trace_id } : {}),
    ...(log.span_id ? { spanId: log.span_id } : {}),
    ...(log.event_name ? { eventName: log.event_name } : {}),
  };
  const { name, version, attributes } = log.scope;
  const scope = { ...(name ? { name } : {}), ...(version ? { version } : {}), ...(Object.keys(attributes).length > 0 ? { attributes: attributesOf(attributes) } : {}) };
  return { resourceLogs: [{ resource: { attributes: attributesOf(log.resource) }, scopeLogs: [{ scope, logRecords: [record] }] }] };
}
