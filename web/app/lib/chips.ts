import { tokenise, unquote, type Token } from "./query";

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
  /** The value as it is written. */
  raw: string;
  /** Characters from the operator to the end of the clause. */
  rawLength: number;
  /** Several values in parentheses; `value` and `raw` are what stands between these. */
  isList: boolean;
}

/** Where a list of values ends: no parentheses in it, and only for fields, which `trace:(…)` and `logs:(…)` are not. */
function endOfList(tokens: readonly Token[], at: number): number | null {
  if (tokens[at]?.text === "trace" || tokens[at]?.text === "logs" || tokens[at + 1]?.text !== ":" || tokens[at + 2]?.text !== "(") return null;
  const end = tokens.findIndex((token, index) => index > at + 2 && token.kind === "paren");
  return tokens[end]?.text === ")" ? end : null;
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
  let negations = 0;
  let listEnd = -1;
  for (const [index, token] of tokens.entries()) {
    if (token.kind === "space" || index <= listEnd) continue;
    if (token.text === "(" && token.kind === "paren") depth += 1;
    if (token.text === ")" && token.kind === "paren") depth -= 1;
    if (depth === 0 && token.text === "OR" && token.kind === "keyword") return [];
    if (token.kind === "minus" || (token.kind === "keyword" && token.text === "NOT")) {
      negatedFrom ??= token.start;
      negations += 1;
      continue;
    }
    if (token.kind === "field" && depth === 0) {
      const operator = tokens[index + 1];
      const value = tokens[index + 2];
      const list = endOfList(tokens, index);
      const end = list === null ? value && value.start + value.text.length : tokens[list] && tokens[list].start + 1;
      if (operator?.kind === "operator" && value && end !== undefined && (list !== null || value.kind === "value")) {
        const start = negatedFrom ?? token.start;
        const raw = list === null ? value.text : query.slice(value.start + 1, end - 1);
        chips.push({ start, end, text: query.slice(start, end), negated: negations % 2 === 1, field: token.text, operator: operator.text, value: list === null ? unquote(raw) : raw, raw, rawLength: end - value.start, isList: list !== null });
        if (list !== null) listEnd = list;
      }
    }
    negatedFrom = null;
    negations = 0;
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
  if (!chip.negated && /^:?!=$/.test(chip.operator)) return withChip(query, chip, chip.field + chip.operator.replace("!=", "=") + chip.text.slice(-chip.rawLength));
  return withChip(query, chip, chip.negated ? bare : `-${bare}`);
}

/** The query with another clause in the place of this one; all around it stays letter by letter. */
export const withChip = (query: string, chip: Chip, clause: string): string => query.slice(0, chip.start) + clause + query.slice(chip.end);

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
