import type { Json } from "../api/types";

/** The statements that the page of a large trace asks for what its windows do not say. */

const text = (value: string): string => `'${value.replace(/'/g, "''")}'`;
const ofTrace = (traceId: string): string => `FROM spans WHERE trace_id = ${text(traceId)}`;

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
