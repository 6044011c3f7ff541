import type { Attributes, Json, LogRecord } from "../api/types";

/** What `name` means in the query language, read from a record: itself, attributes, fields of the body, scope, resource. */
export function fieldOf(log: LogRecord, name: string): Json | undefined {
  switch (name) {
    case "service":
    case "service_name":
    case "service.name":
      return log.service_name;
    case "level":
    case "severity":
      return log.level;
    case "body":
    case "message":
      return log.body;
    case "trace_id":
    case "span_id":
    case "event_name":
    case "severity_text":
    case "severity_number":
    case "time":
      return log[name];
    default:
      return scoped(log, name) ?? log.attributes[name] ?? log.body_fields[name] ?? log.scope.attributes[name] ?? log.resource[name];
  }
}

function scoped(log: LogRecord, name: string): Json | undefined {
  const at = name.indexOf(".");
  const key = name.slice(at + 1);
  switch (name.slice(0, Math.max(0, at))) {
    case "attributes":
      return log.attributes[key];
    case "body":
      return log.body_fields[key];
    case "resource":
      return log.resource[key];
    case "scope":
      return key === "name" || key === "version" ? log.scope[key] : log.scope.attributes[key];
    default:
      return undefined;
  }
}

/** A field as one line of text; nothing when the record has it not. */
export function fieldText(log: LogRecord, name: string): string {
  const value = fieldOf(log, name);
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** A scope as a table of attributes, with its name and version as the first of them. */
export const scopeAttributes = ({ name, version, attributes }: LogRecord["scope"]): Attributes => ({ ...(name ? { name } : {}), ...(version ? { version } : {}), ...attributes });

const TAIL = ["trace_id", "span_id", "body"];

/** One object a line: each record as the API gave it. */
export const toNdjson = (logs: readonly LogRecord[]): string => logs.map((log) => `${JSON.stringify(log)}\n`).join("");

export const csvHeader = (columns: readonly string[]): string => `${csvColumns(columns).map(csvCell).join(",")}\n`;

/** RFC 4180: the columns of the list, then ids, body and the attributes as JSON. */
export function toCsv(logs: readonly LogRecord[], columns: readonly string[]): string {
  const names = csvColumns(columns);
  const rows = logs.map((log) => names.map((name) => csvCell(name === "attributes" ? JSON.stringify(log.attributes) : fieldText(log, name))).join(","));
  return rows.map((row) => `${row}\n`).join("");
}

const csvColumns = (columns: readonly string[]): string[] => ["time", ...columns.filter((name) => !TAIL.includes(name)), ...TAIL, "attributes"];

export const csvCell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
