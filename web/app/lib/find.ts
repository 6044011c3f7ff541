import type { Json, TimelineSpan } from "../api/types";
import { rangeEnds, tokenise, unquote } from "./query";
import { quoted } from "./quote";

type Test = (span: TimelineSpan) => boolean;

const UNITS: Record<string, number> = { ns: 1, us: 1e3, "µs": 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 36e11 };

/** One condition of a search within a trace; without `field`, a word anywhere. */
export interface FindClause {
  negated: boolean;
  field: string | null;
  operator: string;
  value: string;
  /** Of a range, in place of `operator` and `value`. */
  ends?: { operator: string; value: string }[];
}

/** Words, `service:cart`, `status:error`, `duration>10ms`, `-` or `NOT` before what must not be: all must hold. */
export function findClauses(text: string): FindClause[] {
  const clauses: FindClause[] = [];
  let negated = false;
  const tokens = tokenise(text.trim());
  for (let at = 0; at < tokens.length; at += 1) {
    const token = tokens[at];
    if (!token || token.kind === "space" || token.kind === "paren" || token.text === "AND") continue;
    if (token.kind === "minus" || token.text === "NOT") {
      negated = true;
      continue;
    }
    const operator = tokens[at + 1]?.text ?? "";
    const value = tokens[at + 2];
    const ends = operator === ":" && value?.kind === "value" ? rangeEnds(value.text) : null;
    if (token.text === "*" && operator === ":" && value?.kind === "value") {
      clauses.push({ negated, field: null, operator: "", value: unquote(value.text).replace(/^\*+|\*+$/g, "") });
      at += 2;
    } else if (token.kind === "field" && ends) {
      clauses.push({ negated, field: token.text, operator, value: value?.text ?? "", ends });
      at += 2;
    } else if (token.kind === "field") {
      const whole = value?.kind === "value";
      clauses.push(whole ? { negated, field: token.text, operator: operator.replace(/^:(?=[><=!])/, ""), value: unquote(value.text) } : { negated, field: null, operator: "", value: token.text + operator });
      at += whole ? 2 : 1;
    } else clauses.push({ negated, field: null, operator: "", value: unquote(token.text) });
    negated = false;
  }
  return clauses;
}

/**
 * The search within a trace, on the spans in the browser: words anywhere in a span, `service:cart`,
 * `status:error`, `kind:client`, `duration>10ms`, `self:[1ms TO 5ms]`, any attribute, `-` before what must not be.
 */
export function spanFinder(text: string): Test | null {
  const tests = findClauses(text).map(({ negated, field, operator, value, ends }): Test => {
    const test = field === null ? wordTest(value) : ends ? rangeTest(field, ends) : fieldTest(field, operator, value);
    return negated ? (span) => !test(span) : test;
  });
  return tests.length === 0 ? null : (span) => tests.every((test) => test(span));
}

/** Text of each span, made once and only when somebody searches. */
const searchText = new WeakMap<TimelineSpan, string>();

function wordTest(word: string): Test {
  const needle = word.toLowerCase();
  return (span) => {
    let text = searchText.get(span);
    if (text === undefined) {
      const events = span.events.map((event) => `${event.name} ${JSON.stringify(event.attributes)}`);
      text = [span.service_name, span.name, span.span_id, span.status_message ?? "", JSON.stringify(span.attributes), ...events].join("\n").toLowerCase();
      searchText.set(span, text);
    }
    return text.includes(needle);
  };
}

function rangeTest(field: string, ends: { operator: string; value: string }[]): Test {
  const tests = ends.map((end) => fieldTest(field, end.operator, end.value));
  return tests.length === 0 ? (span) => (valueOf(span, field) ?? null) !== null : (span) => tests.every((test) => test(span));
}

function fieldTest(field: string, compare: string, value: string): Test {
  const lower = value.toLowerCase();
  if (/^[><]/.test(compare)) {
    const limit = numberOf(value);
    return (span) => {
      const have = numberOf(valueOf(span, field));
      if (Number.isNaN(have) || Number.isNaN(limit)) return false;
      return compare === ">" ? have > limit : compare === ">=" ? have >= limit : compare === "<" ? have < limit : have <= limit;
    };
  }
  const equals: Test = (span) => {
    const have = valueOf(span, field);
    if (have === undefined || have === null) return false;
    const text = (typeof have === "string" ? have : JSON.stringify(have)).toLowerCase();
    return lower.includes("*") ? glob(lower).test(text) : text === lower;
  };
  return compare === "!=" ? (span) => !equals(span) : equals;
}

const glob = (pattern: string): RegExp => new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, ".*").replace(/\?/g, ".")}$`, "s");

/** A number, in nanoseconds if it has a unit of time; else NaN. */
export function numberOf(value: Json | undefined): number {
  if (typeof value === "number") return value;
  const match = typeof value === "string" ? /^(-?\d+(?:\.\d+)?)\s*([a-zµ]*)$/i.exec(value.trim()) : null;
  if (!match) return Number.NaN;
  return Number(match[1]) * (match[2] ? (UNITS[match[2].toLowerCase()] ?? Number.NaN) : 1);
}

function valueOf(span: TimelineSpan, field: string): Json | undefined {
  switch (field) {
    case "service":
    case "service_name":
      return span.service_name;
    case "name":
    case "operation":
      return span.name;
    case "status":
    case "status_code":
      return span.status_code;
    case "kind":
      return span.kind;
    case "duration":
    case "duration_ns":
      return span.duration_ns;
    case "self":
    case "self_time_ns":
      return span.self_time_ns;
    case "span_id":
      return span.span_id;
    default:
      return span.attributes[field] ?? span.resource[field.replace(/^resource\./, "")] ?? span.scope.attributes[field];
  }
}

/** Fields that only the page can tell, which has all spans of a trace. */
const NEEDS_TREE = ["self", "self_time_ns"];

/** A field in the text that the server does not know, or null. */
export const unknownField = (text: string): string | null => findClauses(text).find(({ field }) => field !== null && NEEDS_TREE.includes(field))?.field ?? null;

/** The same search in the server's language, for traces that are not in the page as a whole; null without a clause. */
export function serverFind(text: string): string | null {
  const clauses = findClauses(text).map(({ negated, field, operator, value, ends }) => {
    const clause = field === null ? `*:${wordFor(value)}` : ends ? `${fieldFor(field)}:${value}` : `${fieldFor(field)}${operator}${valueFor(value)}`;
    return negated ? `-${clause}` : clause;
  });
  return clauses.length === 0 ? null : clauses.join(" ");
}

/** A part of a word finds it, as it does in the page; several words are a phrase. */
const wordFor = (value: string): string => (/^[\p{L}\p{N}*]+$/u.test(value) ? `*${value.replace(/^\*+|\*+$/g, "")}*` : quoted(value));

const valueFor = (value: string): string => (/^[\p{L}\p{N}_./@+*?][\p{L}\p{N}_./@+*?-]*$/u.test(value) && !/^(AND|OR|NOT)$/.test(value) ? value : quoted(value));

const fieldFor = (field: string): string => (field === "operation" ? "name" : field.startsWith("`") ? quoted(field.replace(/`/g, "")) : field);
