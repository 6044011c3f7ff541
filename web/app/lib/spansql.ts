import type { Attributes, Json, SpanEvent, SpanLink } from "../api/types";

/** The statements that the page of a large trace asks for what its windows do not say. */

const text = (value: string): string => `'${value.replace(/'/g, "''")}'`;
const ofTrace = (traceId: string): string => `FROM spans WHERE trace_id = ${text(traceId)}`;

export const detailStatement = (traceId: string, spanId: string): string =>
  `SELECT kind, arrow_cast(start_time, 'Int64') AS start, status_code, status_message, attributes, resource_attributes, scope_name, scope_version, events, links, trace_state ${ofTrace(traceId)} AND span_id = ${text(spanId)} ORDER BY start_time LIMIT 8`;

const FIGURES = "count(*) AS spans, count(*) FILTER (WHERE status_code = 'ERROR') AS errors, sum(duration_ns) AS total, approx_percentile(duration_ns, 0.5) AS p50, approx_percentile(duration_ns, 0.95) AS p95, max(duration_ns) AS longest";

/** What is directly below a span, laid together by what it does. */
export const childrenStatement = (traceId: string, spanId: string, most: number): string =>
  `SELECT service_name, name, ${FIGURES} ${ofTrace(traceId)} AND parent_span_id = ${text(spanId)} GROUP BY service_name, name ORDER BY spans DESC, service_name, name LIMIT ${most + 1}`;

export const figuresStatement = (traceId: string, by: "service" | "operation", most: number): string =>
  `SELECT service_name, ${by === "operation" ? "name" : "'' AS name"}, ${FIGURES} ${ofTrace(traceId)} GROUP BY service_name${by === "operation" ? ", name" : ""} ORDER BY total DESC, service_name LIMIT ${most + 1}`;

export interface Figures {
  service_name: string;
  name: string;
  spans: number;
  errors: number;
  total_ns: number;
  p50_ns: number;
  p95_ns: number;
  max_ns: number;
}

export const figuresOf = (row: readonly Json[]): Figures => ({
  service_name: String(row[0]), name: String(row[1]), spans: Number(row[2]), errors: Number(row[3]), total_ns: Number(row[4]), p50_ns: Number(row[5]), p95_ns: Number(row[6]), max_ns: Number(row[7]),
});

/** What a window leaves out of a span. */
export interface Detail {
  kind: string;
  start: bigint;
  status_code: string;
  status_message: string | null;
  attributes: Attributes;
  resource: Attributes;
  scope: Attributes;
  events: SpanEvent[];
  links: SpanLink[];
}

const object = (value: Json | undefined): Attributes => (typeof value === "object" && value !== null && !Array.isArray(value) ? value : {});
const list = (value: Json | undefined): Attributes[] => (Array.isArray(value) ? value.map(object) : []);
const nullable = (value: Json | undefined): string | null => (typeof value === "string" ? value : null);

/** A row of `detailStatement`. */
export function detailOf(row: readonly Json[]): Detail {
  const start = BigInt(String(row[1]));
  const scope = { ...(row[6] === null ? {} : { name: row[6] ?? null }), ...(row[7] === null ? {} : { version: row[7] ?? null }) };
  return {
    kind: String(row[0]),
    start,
    status_code: String(row[2]),
    status_message: nullable(row[3]),
    attributes: object(row[4]),
    resource: object(row[5]),
    scope,
    events: list(row[8]).map((event) => {
      const at = nanosOf(event["time"]);
      return { time_unix_nano: String(at), offset_ns: Number(at - start), name: String(event["name"]), attributes: object(event["attributes"]) };
    }),
    links: list(row[9]).map((link) => ({ trace_id: String(link["trace_id"]), span_id: String(link["span_id"]), attributes: object(link["attributes"]) })),
  };
}

/** RFC 3339 with up to nine digits of a second. */
function nanosOf(value: Json | undefined): bigint {
  const match = /^(.*?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)?$/.exec(String(value));
  const ms = Date.parse(`${match?.[1] ?? ""}${match?.[3] ?? "Z"}`);
  return Number.isNaN(ms) ? 0n : BigInt(ms) * 1_000_000n + BigInt((match?.[2] ?? "").padEnd(9, "0"));
}
