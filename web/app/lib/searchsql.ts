import { parsePoint, toIso, type Range } from "./time";

/** Searches of the pages as SQL: `search('…')` is the language of the search bar. */

/** A text as it is written in a statement. */
export const literalText = (value: string): string => `'${value.replace(/'/g, "''")}'`;

type Table = "logs" | "spans";

const TIME: Record<Table, string> = { logs: "time", spans: "start_time" };

const COLUMNS: Record<Table, Record<string, string>> = {
  logs: { service: "service_name", service_name: "service_name", level: "severity_text", body: "body", message: "body", trace_id: "trace_id", span_id: "span_id", event_name: "event_name", severity_text: "severity_text", severity_number: "severity_number", time: "time" },
  spans: { service: "service_name", service_name: "service_name", name: "name", operation: "name", status: "status_code", kind: "kind", duration: "duration_ns", duration_ns: "duration_ns", trace_id: "trace_id", span_id: "span_id" },
};

/** What a field of the search language is in SQL. */
export function columnOf(table: Table, field: string): string {
  const known = COLUMNS[table][field];
  if (known) return known;
  return /^(resource|attributes|scope|body)\../.test(field) ? `"${field.replace(/"/g, '""')}"` : `attr(${literalText(field)})`;
}

/** `WHERE …`, or nothing where all rows are meant. */
export function whereOf(table: Table, query: string, range: Range, nowMs: number): string {
  const end = (point: string | null): string | null => {
    const ms = point === null ? null : parsePoint(point, nowMs);
    return ms === null ? null : literalText(toIso(ms));
  };
  const [from, to] = [end(range.start), end(range.end)];
  const conditions = [query.trim() === "" ? null : `search(${literalText(query.trim())})`, from && `${TIME[table]} >= ${from}`, to && `${TIME[table]} < ${to}`].filter(Boolean);
  return conditions.length === 0 ? "" : `WHERE ${conditions.join("\n  AND ")}\n`;
}

export interface Wanted {
  query: string;
  range: Range;
  nowMs: number;
}

const ALWAYS = ["time", "body"];

/** The list of logs with its columns. */
export function logsStatement({ query, range, nowMs }: Wanted, columns: readonly string[], order: "asc" | "desc", limit: number): string {
  const between = columns.map((name) => columnOf("logs", name)).filter((column, at, all) => !ALWAYS.includes(column) && all.indexOf(column) === at);
  return `SELECT ${["time", ...between, "body"].join(", ")}\nFROM logs\n${whereOf("logs", query, range, nowMs)}ORDER BY time ${order.toUpperCase()}\nLIMIT ${limit}`;
}

/** How many rows have each value of a field. */
export function groupStatement(table: Table, { query, range, nowMs }: Wanted, field: string, limit: number): string {
  return `SELECT ${columnOf(table, field)} AS value, count(*) AS ${table === "logs" ? "records" : "spans"}\nFROM ${table}\n${whereOf(table, query, range, nowMs)}GROUP BY 1\nORDER BY 2 DESC\nLIMIT ${limit}`;
}

/** The traces with a span that matches, newest match first. */
export function tracesStatement({ query, range, nowMs }: Wanted, limit: number): string {
  return `SELECT trace_id, max(start_time) AS newest_match, count(*) AS matched_spans,\n       count(*) FILTER (WHERE status_code = 'ERROR') AS errors, max(duration_ns) AS longest_ns\nFROM spans\n${whereOf("spans", query, range, nowMs)}GROUP BY trace_id\nORDER BY newest_match DESC\nLIMIT ${limit}`;
}

const BINS = 24;
/** Beyond this, equal bins would have nearly all in the first. */
const LOG_FROM = 200;

export interface Bounds {
  low: number;
  high: number;
  /** Whether the bins grow by a factor. */
  logarithmic: boolean;
}

const valueOf = (table: Table, field: string): string => `TRY_CAST(${columnOf(table, field)} AS DOUBLE)`;

/** The least and the greatest number of a field, how many rows have one, and how many there are. */
export const boundsStatement = (table: Table, { query, range, nowMs }: Wanted, field: string): string =>
  `SELECT min(v), max(v), count(v), count(*) FROM (SELECT ${valueOf(table, field)} AS v FROM ${table} ${whereOf(table, query, range, nowMs)}) AS found`;

export function boundsOf(low: number, high: number): Bounds {
  return { low, high, logarithmic: low > 0 && high / low > LOG_FROM };
}

/** Where the bins begin and the last one ends. */
export function edgesOf({ low, high, logarithmic }: Bounds): number[] {
  if (high <= low) return [low, high];
  return Array.from({ length: BINS + 1 }, (_, at) => (at === BINS ? high : logarithmic ? low * Math.pow(high / low, at / BINS) : low + ((high - low) * at) / BINS));
}

/** How many rows are in each bin, by its number. */
export function binsStatement(table: Table, { query, range, nowMs }: Wanted, field: string, { low, high, logarithmic }: Bounds): string {
  const place = high <= low ? "0" : logarithmic ? `ln(v / ${literal(low)}) / ${literal(Math.log(high / low))}` : `(v - ${literal(low)}) / ${literal(high - low)}`;
  return `SELECT least(${BINS - 1}, greatest(0, CAST(floor(${place} * ${BINS}) AS BIGINT))) AS bin, count(*) FROM (SELECT ${valueOf(table, field)} AS v FROM ${table} ${whereOf(table, query, range, nowMs)}) AS found WHERE v IS NOT NULL GROUP BY 1`;
}

/** A number that is one in SQL, too, whatever its size. */
const literal = (value: number): string => `CAST('${value}' AS DOUBLE)`;
