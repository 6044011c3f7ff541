import { EXISTS, fieldName } from "./fields";
import { quoted } from "./quote";

/** The search language as far as the UI must understand it: colours, highlighting, adding filters. The server parses for real. */

export type TokenKind = "space" | "word" | "phrase" | "field" | "operator" | "value" | "keyword" | "paren" | "minus";

export interface Token {
  kind: TokenKind;
  text: string;
  start: number;
}

const PIECE =
  /(\s+)|([()])|(-)(?=[^\s-])|((?:[\p{L}_@][\p{L}\p{N}_.@/$-]*|"(?:[^"\\]|\\.)*"(?=:|[><=]|!=)|\*(?=:)))(:(?!\/\/)(?:>=|<=|!=|==|[><=~])?|>=|<=|!=|==|[><=])|("(?:[^"\\]|\\.)*"?)|([^\s()"]+)/gyu;
const VALUE = /"(?:[^"\\]|\\.)*"?|[^\s()]+/y;
/** `[a TO b]`; like a phrase, one that is not closed takes what follows. */
const RANGE = /[[{](?:"(?:[^"\\]|\\.)*"?|[^\]}"()])*[\]}]?/y;

/** Splits without losing a character: joined, the tokens are the text again. */
export function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  PIECE.lastIndex = 0;
  while (PIECE.lastIndex < text.length) {
    const start = PIECE.lastIndex;
    const match = PIECE.exec(text);
    if (!match) {
      tokens.push({ kind: "word", text: text.slice(start), start });
      break;
    }
    const [whole, space, paren, minus, field, operator, phrase] = match;
    if (space) tokens.push({ kind: "space", text: whole, start });
    else if (paren) tokens.push({ kind: "paren", text: whole, start });
    else if (minus) tokens.push({ kind: "minus", text: whole, start });
    else if (field !== undefined && operator !== undefined) {
      tokens.push({ kind: "field", text: field, start });
      tokens.push({ kind: "operator", text: operator, start: start + field.length });
      const pattern = operator === ":" && /[[{]/.test(text[PIECE.lastIndex] ?? "") ? RANGE : VALUE;
      pattern.lastIndex = PIECE.lastIndex;
      const value = pattern.exec(text);
      if (value) {
        tokens.push({ kind: "value", text: value[0], start: PIECE.lastIndex });
        PIECE.lastIndex = pattern.lastIndex;
      }
    } else if (phrase) tokens.push({ kind: "phrase", text: whole, start });
    else tokens.push({ kind: /^(AND|OR|NOT)$/.test(whole) ? "keyword" : "word", text: whole, start });
  }
  return tokens;
}

export const unquote = (text: string): string => (text.startsWith('"') ? text.replace(/^"|"$/g, "").replace(/\\(["\\])/g, "$1") : text);

/** A range taken apart, its ends as they are written. `null` for any other value. */
export function readRange(value: string): { open: "[" | "{"; low: string; high: string; close: "]" | "}" } | null {
  const match = /^([[{])\s*("(?:[^"\\]|\\.)*"|[^\s"]+)\s+TO\s+("(?:[^"\\]|\\.)*"|[^\s"]+?)\s*([\]}])$/.exec(value);
  if (!match) return null;
  const [, open, low = "", high = "", close] = match;
  return { open: open === "[" ? "[" : "{", low, high, close: close === "]" ? "]" : "}" };
}

/** The ends of `[a TO b]` as comparisons; an open end is none. `null` for any other value. */
export function rangeEnds(value: string): { operator: string; value: string }[] | null {
  const range = readRange(value);
  if (!range) return null;
  const ends = [{ operator: range.open === "[" ? ">=" : ">", value: range.low }, { operator: range.close === "]" ? "<=" : "<", value: range.high }];
  return ends.filter((end) => end.value !== "*").map((end) => ({ ...end, value: unquote(end.value) }));
}

/** The words and phrases of the query that a matching line contains: what to mark in its body. */
export function matchTerms(query: string): string[] {
  const terms: string[] = [];
  let negated = false;
  const tokens = tokenise(query);
  tokens.forEach((token, index) => {
    if (token.kind === "space") return;
    if (token.kind === "minus" || token.text === "NOT") {
      negated = true;
      return;
    }
    const isBody = token.kind === "value" && /^(body|message|\*)$/.test(tokens[index - 2]?.text ?? "") && tokens[index - 1]?.text === ":" && rangeEnds(token.text) === null;
    if ((token.kind === "word" || token.kind === "phrase" || isBody) && !negated) {
      const term = unquote(token.text);
      if (/[\p{L}\p{N}]/u.test(term)) terms.push(term);
    }
    if (token.kind !== "field" && token.kind !== "operator") negated = false;
  });
  return terms;
}

/** A pattern for all terms at once; words match whole tokens, as the server counts them. `null` when there is nothing to mark. */
export function termPattern(terms: string[]): RegExp | null {
  if (terms.length === 0) return null;
  const parts = terms.map((term) => {
    const words = term.split(/[^\p{L}\p{N}*]+/u).filter(Boolean);
    const text = words.map((word) => word.replace(/\*/g, "[\\p{L}\\p{N}]*")).join("[^\\p{L}\\p{N}]+");
    return `(?<![\\p{L}\\p{N}])${text}(?![\\p{L}\\p{N}])`;
  });
  return new RegExp(parts.join("|"), "giu");
}

export interface Piece {
  text: string;
  marked: boolean;
}

export function markMatches(text: string, pattern: RegExp | null): Piece[] {
  if (!pattern) return [{ text, marked: false }];
  const pieces: Piece[] = [];
  let last = 0;
  for (const match of text.matchAll(pattern)) {
    if (match[0] === "") continue;
    if (match.index > last) pieces.push({ text: text.slice(last, match.index), marked: false });
    pieces.push({ text: match[0], marked: true });
    last = match.index + match[0].length;
  }
  if (last < text.length || pieces.length === 0) pieces.push({ text: text.slice(last), marked: false });
  return pieces;
}

/** `key:value`, quoted when the value needs it; `has:value` of `EXISTS`. */
export function filterText(field: string, value: string, exclude = false): string {
  const plain = /^[\p{L}\p{N}_./@+-]+$/u.test(value) && !value.startsWith("-") && !/^(AND|OR|NOT)$/.test(value);
  const text = `${field === EXISTS ? "has" : fieldName(field)}:${plain ? value : quoted(value)}`;
  return exclude ? `-${text}` : text;
}

/** Adds a filter, or takes it out when it is there; its opposite is replaced. */
export function toggleFilter(query: string, field: string, value: string, exclude: boolean): string {
  const wanted = filterText(field, value, exclude);
  const opposite = filterText(field, value, !exclude);
  const clauses = splitClauses(query);
  // An OR at the top binds weaker than the AND we add, and nothing can be taken out of one.
  if (clauses.includes("OR")) return `(${query.trim()}) ${wanted}`;
  if (clauses.includes(wanted)) return clauses.filter((clause) => clause !== wanted).join(" ");
  return [...clauses.filter((clause) => clause !== opposite), wanted].join(" ");
}

export function hasFilter(query: string, field: string, value: string, exclude: boolean): boolean {
  const clauses = splitClauses(query);
  return !clauses.includes("OR") && clauses.includes(filterText(field, value, exclude));
}

/** The clauses at the top: parentheses kept whole, `NOT` with what it negates, `AND` left out since it says nothing. */
export function splitClauses(query: string): string[] {
  const clauses: string[] = [];
  let depth = 0;
  let current = "";
  for (const token of tokenise(query)) {
    if (token.text === "(") depth += 1;
    if (token.text === ")") depth -= 1;
    if (token.kind === "space" && depth <= 0 && current !== "NOT") {
      if (current && current !== "AND") clauses.push(current);
      current = "";
    } else current += token.kind === "space" ? " " : token.text;
  }
  if (current) clauses.push(current);
  return clauses;
}

/** A pasted UUID, in lower case: it may be a trace's id, or anything else's. */
export function asUuid(text: string): string | null {
  const bare = text.trim().toLowerCase();
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(bare) ? bare : null;
}

/** What finds an id in logs that is no trace's: as a trace's id all the same, or as a word, with or without dashes. */
export function anyIdQuery(digits: string): string {
  const dashed = digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
  return `trace_id:${digits} OR ${digits} OR "${dashed}"`;
}

/** Of words and phrases alone, the same anywhere in a record; null of a query that says more. */
export function anywhere(query: string): string | null {
  const tokens = tokenise(query.trim());
  if (!tokens.some(({ kind }) => kind === "word" || kind === "phrase") || !tokens.every(({ kind, text }) => (kind === "word" && !/~\d?$/.test(text)) || kind === "phrase" || kind === "space")) return null;
  return tokens.map(({ kind, text }) => (kind === "space" ? " " : `*:${text}`)).join("");
}

/** A pasted span id: 16 hexadecimal digits and nothing else; digits alone may be any number. */
export function asSpanId(text: string): string | null {
  const bare = text.trim().toLowerCase();
  return /^(?=.*[a-f])[0-9a-f]{16}$/.test(bare) ? bare : null;
}

/** A pasted trace id: 32 hexadecimal digits, with or without `trace_id:` before or dashes in it, or a `traceparent` with one. */
export function asTraceId(text: string): string | null {
  const bare = text.trim().replace(/^"?trace_?(?:id|parent)"?\s*[:=]\s*/i, "").replace(/^["']|["',;]+$/g, "").replace(/^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/i, "$1");
  const digits = bare.replace(/-/g, "").toLowerCase();
  return /^[0-9a-f]{32}$/.test(digits) ? digits : null;
}
