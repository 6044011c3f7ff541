import type { Json } from "../api/types";
import { parsePoint, toIso, type Range } from "./time";

/** Exceptions of one type. */
export interface ExceptionGroup {
  type: string;
  /** Of the last one. */
  message: string;
  count: number;
  first: string;
  last: string;
  traceId: string;
  spanId: string;
}

const MOST = 10;
const text = (value: string): string => `'${value.replace(/'/g, "''")}'`;

/** The exceptions among the events of a service's spans, by type, the most frequent first. */
export function exceptionsQuery(service: string, range: Range, nowMs: number): string {
  const bounds = ([[">=", range.start], ["<", range.end]] as const).flatMap(([operator, point]) => {
    const ms = point === null ? null : parsePoint(point, nowMs);
    return ms === null ? [] : [`AND start_time ${operator} TIMESTAMP ${text(toIso(ms))}`];
  });
  return `SELECT event['attributes']['exception.type'] AS type, last_value(event['attributes']['exception.message'] ORDER BY start_time) AS message,
  count(*) AS number, min(start_time) AS first, max(start_time) AS last, last_value(trace_id ORDER BY start_time) AS trace_id, last_value(span_id ORDER BY start_time) AS span_id
FROM (SELECT unnest(events) AS event, start_time, trace_id, span_id FROM spans WHERE service_name = ${text(service)} ${bounds.join(" ")})
WHERE event['name'] = 'exception'
GROUP BY type ORDER BY number DESC, type LIMIT ${MOST}`;
}

export const exceptionGroups = (rows: Json[][]): ExceptionGroup[] =>
  rows.map(([type, message, count, first, last, traceId, spanId]) => ({
    type: String(type ?? "(no type)"),
    message: String(message ?? ""),
    count: Number(count),
    first: String(first),
    last: String(last),
    traceId: String(traceId),
    spanId: String(spanId),
  }));
