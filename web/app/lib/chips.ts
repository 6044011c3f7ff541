import { filterText, rangeEnds, tokenise, unquote } from "./query";

/** One clause at the top of a query that is a filter on a field: where it stands in the text and what it says. */
export interface Chip {
  start: number;
  end: number;
  /** The clause as it is written, `NOT` and `-` included. */
  text: string;
  negated: boolean;
  field: string;
  operator: string;
  value: string;
}

/**
 * The filters of a query that may be taken out one by one. A query with an `OR` at the top has none: there a
 * filter taken out would change what the others mean.
 */
export function chipsOf(query: string): Chip[] {
  const chips: Chip[] = [];
  const tokens = tokenise(query);
  let depth = 0;
  let negatedFrom: number | null = null;
  for (const [index, token] of tokens.entries()) {
    if (token.kind === "space") continue;
    if (token.text === "(") depth += 1;
    if (token.text === ")") depth -= 1;
    if (depth === 0 && token.text === "OR" && token.kind === "keyword") return [];
    if (token.kind === "minus" || (token.kind === "keyword" && token.text === "NOT")) {
      negatedFrom ??= token.start;
      continue;
    }
    const operator = tokens[index + 1];
    const value = tokens[index + 2];
    if (token.kind === "field" && depth === 0 && operator?.kind === "operator" && value?.kind === "value") {
      const start = negatedFrom ?? token.start;
      const end = value.start + value.text.length;
      chips.push({ start, end, text: query.slice(start, end), negated: negatedFrom !== null, field: token.text, operator: operator.text, value: unquote(value.text) });
    }
    if (token.kind !== "operator") negatedFrom = null;
  }
  return chips;
}

/** The query without the clause; the rest stays letter by letter, but for one of the spaces around it. */
export function withoutChip(query: string, chip: Chip): string {
  const before = query.slice(0, chip.start).replace(/(^|\s)AND\s+$/, "$1");
  let after = query.slice(chip.end);
  if (before.trim() === "") after = after.replace(/^\s+(AND\s+)?/, "");
  if (before === "" || /\s$/.test(before)) after = after.replace(/^\s/, "");
  return (before + after).replace(/\s+$/, "");
}

/** The query with the clause turned into its opposite, at its place. */
export function negateChip(query: string, chip: Chip): string {
  const bare = chip.text.replace(/^(-|NOT\s+)+/, "");
  return query.slice(0, chip.start) + (chip.negated ? bare : `-${bare}`) + query.slice(chip.end);
}

/** The query with the value of the clause replaced. A range stays one, and a text in quotes that looks like one stays a text. */
export function changeChip(query: string, chip: Chip, value: string): string {
  const colon = chip.operator === ":";
  const range = colon && !chip.text.endsWith('"') && rangeEnds(value) !== null;
  const text = range ? `${chip.field}:${value}` : colon && !/^[\w.*?/-]+$/.test(value) ? filterText(chip.field, value) : `${chip.field}${chip.operator}${/[\s()"]/.test(value) ? `"${value.replace(/["\\]/g, "\\$&")}"` : value}`;
  return query.slice(0, chip.start) + (chip.negated ? "-" : "") + text + query.slice(chip.end);
}

/** What a filter can say of a field; those without a value ask whether it is there. */
export const OPERATORS = [
  { key: "is", label: "is", takes: true },
  { key: "not", label: "is not", takes: true },
  { key: "regex", label: "matches", takes: true },
  { key: ">", label: ">", takes: true },
  { key: ">=", label: "≥", takes: true },
  { key: "<", label: "<", takes: true },
  { key: "<=", label: "≤", takes: true },
  { key: "has", label: "is there", takes: false },
  { key: "lacks", label: "is missing", takes: false },
] as const;

export type OperatorKey = (typeof OPERATORS)[number]["key"];

const quotedText = (value: string): string => `"${value.replace(/["\\]/g, "\\$&")}"`;

/** A filter as it is written. `*` and `?` of a value stay wildcards. */
export function filterClause(field: string, operator: OperatorKey, value: string): string {
  if (operator === "has" || operator === "lacks") return filterText("has", field, operator === "lacks");
  if (operator === "regex") return `${field}:~${quotedText(value)}`;
  if (operator === "is" || operator === "not") return /^[\w.*?/-]+$/.test(value) && !value.startsWith("-") ? `${operator === "not" ? "-" : ""}${field}:${value}` : filterText(field, value, operator === "not");
  return `${field}${operator}${/[\s()"]/.test(value) ? quotedText(value) : value}`;
}

/** The query with one more filter; all that was written stays letter by letter. */
export function withClause(query: string, clause: string): string {
  const before = query.trim();
  if (before === "") return clause;
  let depth = 0;
  const hasOr = tokenise(before).some((token) => {
    if (token.text === "(") depth += 1;
    if (token.text === ")") depth -= 1;
    return depth === 0 && token.kind === "keyword" && token.text === "OR";
  });
  // An OR at the top binds weaker than the AND that is added.
  return hasOr ? `(${before}) ${clause}` : `${before} ${clause}`;
}
