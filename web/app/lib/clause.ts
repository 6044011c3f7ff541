import { fieldName } from "./fields";
import type { Chip } from "./chips";
import { readRange, unquote } from "./query";
import { escaped, quoted } from "./quote";

/** What a filter can say of a field. Each can be negated. */
export type Base = "is" | "contains" | "regex" | "list" | ">" | ">=" | "<" | "<=" | "range" | "has";

/** A filter as a form shows it: the value as one types it, without the quotes that the language wants. */
export interface Said {
  /** As it is written, in quotes where it must be. */
  field: string;
  base: Base;
  negated: boolean;
  /** Of a list its values with `OR` between them, of a range `[a TO b]`, both as they are written. */
  value: string;
}

/** What can be said of a field depends on what its values are. */
export type FieldKind = "text" | "number" | "flag" | "word" | "level" | "time" | "duration" | "id" | "body" | "anywhere";

const ORDER: Base[] = [">", ">=", "<", "<=", "range"];
const BASES: Record<FieldKind, Base[]> = {
  text: ["is", "contains", "regex", "list", ...ORDER, "has"],
  number: ["is", "list", ...ORDER, "has"],
  flag: ["is", "has"],
  word: ["is", "list"],
  level: ["is", "list", ...ORDER],
  time: ORDER,
  duration: [...ORDER, "is"],
  id: ["is", "list", "has"],
  body: ["contains", "is", "regex", "has"],
  anywhere: ["contains", "regex"],
};

const COLUMNS: Partial<Record<string, FieldKind>> = {
  "*": "anywhere", trace_id: "id", span_id: "id", parent_span_id: "id", time: "time", start_time: "time", observed_time: "time", received_time: "time", flags: "number", record_id: "number",
};
const OF_LOGS: Partial<Record<string, FieldKind>> = { body: "body", message: "body", level: "level", severity: "level", severity_number: "number" };
const OF_SPANS: Partial<Record<string, FieldKind>> = { status: "word", status_code: "word", kind: "word", duration: "duration", duration_ns: "duration" };

/** `types`: of an attribute, those that records have. */
export function kindOf(table: "logs" | "spans", field: string, types: readonly string[] = []): FieldKind {
  const known = COLUMNS[field] ?? (table === "logs" ? OF_LOGS : OF_SPANS)[field];
  if (known) return known;
  const all = (...these: string[]): boolean => types.length > 0 && types.every((type) => these.includes(type));
  return all("int", "double") ? "number" : all("bool") ? "flag" : "text";
}

const LABELS: Record<Base, [string, string]> = {
  is: ["is", "is not"],
  contains: ["contains", "does not contain"],
  regex: ["matches", "does not match"],
  list: ["is one of", "is none of"],
  ">": [">", "not >"],
  ">=": ["≥", "not ≥"],
  "<": ["<", "not <"],
  "<=": ["≤", "not ≤"],
  range: ["between", "not between"],
  has: ["is there", "is missing"],
};

export interface Operator {
  base: Base;
  negated: boolean;
  label: string;
}

const operatorOf = (base: Base, negated: boolean): Operator => ({ base, negated, label: LABELS[base][negated ? 1 : 0] });

/** What may be chosen for such a field; what is said of it now is among it, whatever it is. */
export function operatorsOf(kind: FieldKind, now: { base: Base; negated: boolean }): Operator[] {
  const offered = BASES[kind].flatMap((base) => (ORDER.includes(base) ? [operatorOf(base, false)] : [operatorOf(base, false), operatorOf(base, true)]));
  const isThere = offered.some((each) => each.base === now.base && each.negated === now.negated);
  return isThere ? offered : [...offered, operatorOf(now.base, now.negated)];
}

const isText = (field: string): boolean => !/^(body|message|\*)$/.test(field);
const CONTAINS = /^\*([^*?]+)\*$/;

/** What a clause says. */
export function readClause(chip: Chip): Said {
  const operator = chip.operator.replace(/^:(?=[><=!])/, "").replace("==", "=");
  const said = { field: chip.field, negated: chip.negated !== (operator === "!="), value: chip.value };
  if (chip.field === "has" && operator === ":") return { ...said, field: chip.raw, base: "has", value: "" };
  if (chip.isList) return { ...said, base: "list" };
  if (operator === ":~") return { ...said, base: "regex" };
  if (operator === ">" || operator === ">=" || operator === "<" || operator === "<=") return { ...said, base: operator };
  if (operator !== ":") return { ...said, base: "is" };
  if (readRange(chip.raw)) return { ...said, base: "range" };
  if (!isText(chip.field)) return { ...said, base: "contains" };
  const part = CONTAINS.exec(chip.raw)?.[1];
  return part === undefined ? { ...said, base: "is" } : { ...said, base: "contains", value: part };
}

/** What begins with `//` makes an address of the field before it. */
const PLAIN = /^(?!\/\/)[\p{L}\p{N}_.*?/@+:-]+$/u;
/** Words of the language, which a value may be only in quotes. */
const KEYWORD = /^(AND|OR|NOT)$/;
const plainOrQuoted = (value: string): string => (PLAIN.test(value) && !KEYWORD.test(value) ? value : quoted(value));

/** A query of which those are left whose field has `part` in it, in any case. */
export function withPart(query: string, field: string, part: string): string {
  if (part === "") return query;
  const clause = `${fieldName(field)}:~${quoted(`(?i)${escaped(part)}`)}`;
  return query.trim() === "" ? clause : `(${query}) ${clause}`;
}

/** Values of a list may be written with commas, too. */
const listText = (value: string): string => (/\sOR\s|"/.test(value) || !value.includes(",") ? value.trim() : value.split(",").map((each) => plainOrQuoted(each.trim())).filter((each) => each !== '""').join(" OR "));

/** Operator and value of a clause that is written anew. */
function writtenAnew({ field, base, value }: Said): string {
  switch (base) {
    case "is":
      return isText(field) ? `:${plainOrQuoted(value)}` : `=${plainOrQuoted(value)}`;
    case "contains":
      if (!isText(field)) return `:${plainOrQuoted(value)}`;
      // In quotes `*` is itself.
      return PLAIN.test(value) && !/[*?]/.test(value) ? `:*${value}*` : `:~${quoted(escaped(value))}`;
    case "regex":
      return `:~${quoted(value)}`;
    case "list":
      return `:(${listText(value)})`;
    case "range":
      return `:${value}`;
    case "has":
      return "";
    case ">":
    case ">=":
    case "<":
    case "<=":
      return base + plainOrQuoted(value);
  }
}

/** A filter as it is written. `*` and `?` of a value stay wildcards. */
export function clauseText(said: Said): string {
  const not = said.negated ? "-" : "";
  return said.base === "has" ? `${not}has:${said.field}` : not + said.field + writtenAnew(said);
}

/** A clause that says something else. What it goes on saying stays as it was written, quotes and spelling included. */
export function changedClause(chip: Chip, said: Said): string {
  const was = readClause(chip);
  const isSame = said.negated === was.negated;
  if (isSame && said.base === was.base && said.field === was.field && said.value === was.value) return chip.text;
  if (said.base !== was.base || said.base === "has") return clauseText(said);
  // `x!=y` is turned round by its operator.
  const operator = isSame ? chip.operator : chip.operator.replace("!=", "=");
  const before = isSame ? chip.text.slice(0, chip.text.length - chip.field.length - chip.operator.length - chip.rawLength) : said.negated ? "-" : "";
  if (said.value === was.value) return before + said.field + operator + chip.text.slice(chip.text.length - chip.rawLength);
  if (said.base === "list" || said.base === "range" || (said.base === "contains" && isText(said.field))) return before + said.field + writtenAnew(said);
  // In quotes `*` is no wildcard and a number is a text: what stood in quotes goes on doing so.
  return before + said.field + operator + (chip.raw.startsWith('"') ? quoted(said.value) : plainOrQuoted(said.value));
}

/** The ends of a range as one types them; an open end is empty. */
export interface Ends {
  low: string;
  /** `[` with it, `{` without. */
  open: "[" | "{";
  high: string;
  close: "]" | "}";
}

export const NO_ENDS: Ends = { low: "", open: "[", high: "", close: "]" };

export function endsOf(value: string): Ends {
  const range = readRange(value);
  const typed = (end: string): string => (end === "*" ? "" : unquote(end));
  return range ? { ...range, low: typed(range.low), high: typed(range.high) } : NO_ENDS;
}

/** `was`: the range that is changed; an end that stays is written as it was. */
export function rangeText(ends: Ends, was = ""): string {
  const range = readRange(was);
  const end = (typed: string, before: string | undefined): string => {
    if (typed.trim() === "") return "*";
    if (before !== undefined && unquote(before) === typed) return before;
    return before?.startsWith('"') || /[\s()[\]{}"]/.test(typed) ? quoted(typed) : typed;
  };
  return `${ends.open}${end(ends.low, range?.low)} TO ${end(ends.high, range?.high)}${ends.close}`;
}
