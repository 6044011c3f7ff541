import { filterText } from "./query";
import { literalText, whereOf, type Wanted } from "./searchsql";

/** What the pages of services, of calls and of errors show, as SQL. */

/** One condition more, whatever stands there. */
const and = (where: string, condition: string): string => (where === "" ? `WHERE ${condition}\n` : `${where.trimEnd()}\n  AND ${condition}\n`);

const indented = (text: string): string => text.trimEnd().replace(/^/gm, "  ");

/** How much each service sent. `needle`: a part of its name. */
export function servicesStatement({ query: needle, range, nowMs }: Wanted): string {
  const of = (table: "spans" | "logs", columns: string): string => {
    const where = whereOf(table, "", range, nowMs);
    const named = needle.trim() === "" ? where : and(where, `strpos(lower(service_name), ${literalText(needle.trim().toLowerCase())}) > 0`);
    return indented(`SELECT service_name, ${columns}\nFROM ${table}\n${named}GROUP BY service_name`);
  };
  return `SELECT service_name, sum(spans) AS spans, sum(errors) AS errors, sum(logs) AS logs\nFROM (\n${of("spans", "count(*) AS spans, count(*) FILTER (WHERE status_code = 'ERROR') AS errors, 0 AS logs")}\n  UNION ALL\n${of("logs", "0 AS spans, 0 AS errors, count(*) AS logs")}\n) AS sent\nGROUP BY service_name\nORDER BY spans DESC, service_name`;
}

/** What one service does. */
export const operationsStatement = (service: string, { range, nowMs }: Omit<Wanted, "query">): string =>
  `SELECT name, count(*) AS spans, count(*) FILTER (WHERE status_code = 'ERROR') AS errors,\n       approx_percentile(duration_ns, 0.5) AS p50_ns, approx_percentile(duration_ns, 0.95) AS p95_ns\nFROM spans\n${whereOf("spans", filterText("service", service), range, nowMs)}GROUP BY name\nORDER BY spans DESC, name`;

/** Who calls whom. The computed table knows no time: within a range it is the join that makes the table, of services alone. */
export function callsStatement({ range, nowMs }: Omit<Wanted, "query">, withOthers: boolean): string {
  const where = whereOf("spans", "", range, nowMs).replace(/start_time/g, "called.start_time");
  if (where === "") return `SELECT caller, caller_kind, callee, callee_kind, call_count, error_count, p95_ns\nFROM service_edges\n${withOthers ? "" : "WHERE NOT inferred\n"}ORDER BY call_count DESC`;
  return `SELECT caller.service_name AS caller, called.service_name AS callee, count(*) AS call_count,\n       count(*) FILTER (WHERE called.status_code = 'ERROR') AS error_count, approx_percentile(called.duration_ns, 0.95) AS p95_ns\nFROM spans AS called\nJOIN spans AS caller ON caller.trace_id = called.trace_id AND caller.span_id = called.parent_span_id\n${and(where, "caller.service_name <> called.service_name")}GROUP BY caller.service_name, called.service_name\nORDER BY call_count DESC`;
}

/** Exceptions by type, of spans and of logs. */
export function exceptionsStatement({ query, range, nowMs }: Wanted, limit: number): string {
  const spans = `SELECT event['attributes']['exception.type'] AS type, start_time AS time\nFROM (\n  SELECT start_time, unnest(events) AS event\n  FROM spans\n${indented(whereOf("spans", query, range, nowMs))}\n) AS happened\nWHERE event['name'] = 'exception'`.replace(/\n\s*\n/g, "\n");
  const logs = `SELECT "attributes.exception.type" AS type, time\nFROM logs\n${and(whereOf("logs", query, range, nowMs), `("attributes.exception.type" IS NOT NULL OR "attributes.exception.message" IS NOT NULL)`)}`;
  return `SELECT type, count(*) AS exceptions, min(time) AS first_seen, max(time) AS last_seen\nFROM (\n${indented(spans)}\n  UNION ALL\n${indented(logs)}\n) AS thrown\nGROUP BY type\nORDER BY exceptions DESC\nLIMIT ${limit}`;
}

/** Failed spans that called nothing that failed, by what they do. */
export function failuresStatement({ query, range, nowMs }: Wanted, limit: number): string {
  const where = and(and(whereOf("spans", query, range, nowMs), "status_code = 'ERROR'"), "NOT EXISTS (\n    SELECT 1 FROM spans AS below\n    WHERE below.trace_id = spans.trace_id AND below.parent_span_id = spans.span_id AND below.status_code = 'ERROR')");
  return `SELECT service_name, name, count(DISTINCT trace_id) AS traces, max(start_time) AS last_seen\nFROM spans\n${where}GROUP BY service_name, name\nORDER BY traces DESC\nLIMIT ${limit}`;
}
