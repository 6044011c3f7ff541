import type { Attributes, Json, LogRecord } from "../api/types";
import { hexText, withHex, type ByteMarks } from "./hex";

interface Found {
  value: Json | undefined;
  /** Where it is bytes. */
  mark?: true | ByteMarks | undefined;
}

/** What `name` means in the query language, read from a record: itself, attributes, fields of the body, scope, resource. */
export const fieldOf = (log: LogRecord, name: string): Json | undefined => find(log, name).value;

function find(log: LogRecord, name: string): Found {
  switch (name) {
    case "service":
    case "service_name":
    case "service.name":
      return { value: log.service_name };
    case "level":
    case "severity":
      return { value: log.level };
    case "body":
    case "message":
      return { value: log.body, mark: log.body_type === "bytes" || undefined };
    case "trace_id":
    case "span_id":
    case "event_name":
    case "severity_text":
    case "severity_number":
    case "time":
      return { value: log[name] };
    default:
      return scoped(log, name) ?? PLACES.map((place) => place(log, name)).find(({ value }) => value != null) ?? { value: undefined };
  }
}

type Place = (log: LogRecord, key: string) => Found;
const inAttributes: Place = (log, key) => ({ value: log.attributes[key], mark: log.bytes_in_attributes?.[key] });
const inBody: Place = (log, key) => ({ value: log.body_fields[key], mark: log.bytes_in_body_fields?.[key] });
const inScope: Place = ({ scope }, key) => ({ value: scope.attributes[key], mark: scope.bytes_in_attributes?.[key] });
const inResource: Place = (log, key) => ({ value: log.resource[key], mark: log.bytes_in_resource?.[key] });
/** In the order in which a name without its scope is looked for. */
const PLACES = [inAttributes, inBody, inScope, inResource];

function scoped(log: LogRecord, name: string): Found | null {
  const at = name.indexOf(".");
  const key = name.slice(at + 1);
  const within = (place: Place): Found | null => {
    const found = place(log, key);
    return found.value == null ? null : found;
  };
  switch (name.slice(0, Math.max(0, at))) {
    case "attributes":
      return within(inAttributes);
    case "body":
      return within(inBody);
    case "resource":
      return within(inResource);
    case "scope":
      return key === "name" || key === "version" ? { value: log.scope[key] } : within(inScope);
    default:
      return null;
  }
}

/** A field as one line of text; nothing when the record has it not. */
export function fieldText(log: LogRecord, name: string): string {
  return oneLine(fieldOf(log, name) ?? null);
}

const oneLine = (value: Json): string => (value === null ? "" : typeof value === "string" ? value : JSON.stringify(value));

/** The same as people read it: bytes in hex. What a search compares with is `fieldText`. */
export function shownText(log: LogRecord, name: string): string {
  const { value, mark } = find(log, name);
  return value === undefined ? "" : oneLine(withHex(value, mark));
}

/** Integers that a number of JavaScript may not hold. */
const LONG_INTEGER = /(?<![\w.])-?\d{16,}/;

/** The body as people read it: bytes in hex, also those within a map. Which values of a list are bytes is not known. */
export function shownBody(log: LogRecord): string {
  const { body, body_type: type, bytes_in_body_fields: marks } = log;
  if (body === null) return "";
  if (type === "bytes") return hexText(body);
  if (type !== "kvlist" || !marks || LONG_INTEGER.test(body)) return body;
  try {
    return JSON.stringify(hexWithin(JSON.parse(body) as Json, marks, ""));
  } catch {
    return body;
  }
}

/** Fields of maps in maps are named by their path, with dots. */
function hexWithin(value: Json, marks: ByteMarks, path: string): Json {
  const mark = marks[path];
  if (mark !== undefined) return withHex(value, mark);
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, hexWithin(each, marks, path === "" ? key : `${path}.${key}`)]));
}

/** A scope as a table of attributes, with its name and version as the first of them. */
export const scopeAttributes = ({ name, version, attributes }: LogRecord["scope"]): Attributes => ({ ...(name ? { name } : {}), ...(version ? { version } : {}), ...attributes });

const TAIL = ["trace_id", "span_id", "body"];

/** One object a line: each record as the API gave it. */
export const toNdjson = (logs: readonly LogRecord[]): string => logs.map((log) => `${JSON.stringify(log)}\n`).join("");

export const csvHeader = (columns: readonly string[]): string => `${csvColumns(columns).map(csvCell).join(",")}\n`;

/** What the list shows, for a spreadsheet: a line each, its columns and the body. */
export function toTsv(logs: readonly LogRecord[], columns: readonly string[]): string {
  const names = ["time", ...columns.filter((name) => name !== "body"), "body"];
  const cell = (text: string): string => text.replace(/[\t\r\n]+/g, " ");
  return [names, ...logs.map((log) => names.map((name) => cell(name === "body" ? shownBody(log) : shownText(log, name))))].map((row) => `${row.join("\t")}\n`).join("");
}

/** RFC 4180: the columns of the list, then ids, body and the attributes as JSON. */
export function toCsv(logs: readonly LogRecord[], columns: readonly string[]): string {
  const names = csvColumns(columns);
  const rows = logs.map((log) => names.map((name) => csvCell(name === "attributes" ? JSON.stringify(log.attributes) : fieldText(log, name))).join(","));
  return rows.map((row) => `${row}\n`).join("");
}

const csvColumns = (columns: readonly string[]): string[] => ["time", ...columns.filter((name) => !TAIL.includes(name)), ...TAIL, "attributes"];

export const csvCell = (text: string): string => (/[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text);
