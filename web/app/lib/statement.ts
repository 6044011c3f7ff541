/** Statements of databases for people: a line a clause. Nothing but blanks is changed. */

export interface StatementPiece {
  text: string;
  keyword: boolean;
}

const STARTS = /^\s*(?:(?:--[^\n]*\n|\/\*[\s\S]*?\*\/)\s*)*(?:\(\s*)?(select|insert|update|delete|with|merge|replace|explain)\b/i;
/** Longer ones are shown as they are. */
const MOST = 50_000;

/** Texts, quoted names, comments, words, blanks; then whatever else there is, one character at a time. */
const TOKEN = /'(?:[^']|'')*'?|"(?:[^"]|"")*"?|`[^`]*`?|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\$?[\p{L}_][\p{L}\p{N}_$]*|\s+|[\s\S]/gu;

/** Words that begin a line, with those that may come before or after them in the same. */
const CLAUSES = new Set(["select", "from", "where", "having", "limit", "offset", "fetch", "union", "intersect", "except", "values", "set", "returning", "window", "qualify", "on", "using"]);
const WITH_BY = new Set(["group", "order", "partition"]);
const JOINS = new Set(["join", "left", "right", "inner", "outer", "full", "cross", "natural", "lateral"]);
const KEYWORDS = new Set([...CLAUSES, ...WITH_BY, ...JOINS, "by", "insert", "into", "update", "delete", "with", "merge", "replace", "explain", "as", "and", "or", "not", "in", "is", "null", "like", "ilike", "between", "case", "when", "then", "else", "end", "distinct", "all", "exists", "asc", "desc", "for", "over", "true", "false", "recursive"]);

/** The pieces of a statement in SQL, laid out; `null` for anything else. */
export function sqlPieces(text: string): StatementPiece[] | null {
  if (text.length > MOST || !STARTS.test(text)) return null;
  const pieces: StatementPiece[] = [];
  // Of each parenthesis that holds a statement of its own the line it stands on; null of others.
  const open: (number | null)[] = [];
  let indent = 0;
  let before = "";
  let blank = false;
  const tokens = [...text.trim().matchAll(TOKEN)].map(([token]) => token);
  tokens.forEach((token, at) => {
    if (/^\s+$/.test(token)) {
      blank = true;
      return;
    }
    const word = token.toLowerCase();
    const outer = open.findLast((each) => each !== null) ?? null;
    const depth = outer === null ? 0 : outer + 1;
    const isTop = open.length === 0 || open.at(-1) !== null;
    const closed = token === ")" ? (open.pop() ?? null) : null;
    if (closed !== null) line(closed);
    else if (isTop && breaksBefore(word, before, next(tokens, at))) line(depth);
    else if (isTop && (word === "and" || word === "or") && pieces.length > 0) line(depth + 1);
    else if (blank && pieces.length > 0) push(" ");
    push(token, KEYWORDS.has(word));
    if (token.startsWith("--")) push("\n");
    if (token === "(") {
      const isInner = /^(select|with)$/.test(next(tokens, at));
      open.push(isInner ? indent : null);
      if (isInner) line(indent + 1);
    }
    blank = false;
    before = word;
  });
  return pieces;

  function push(piece: string, keyword = false): void {
    pieces.push({ text: piece, keyword });
  }
  function line(depth: number): void {
    indent = depth;
    const last = pieces.at(-1);
    if (last && !last.text.endsWith("\n")) push(`\n${"  ".repeat(depth)}`);
    else if (last && depth > 0) push("  ".repeat(depth));
  }
}

const next = (tokens: readonly string[], at: number): string => (tokens.slice(at + 1, at + 3).find((token) => !/^\s+$/.test(token)) ?? "").toLowerCase();

function breaksBefore(word: string, before: string, after: string): boolean {
  if (before === "") return false;
  if (WITH_BY.has(word)) return after === "by" && word !== "partition";
  if (JOINS.has(word)) return !JOINS.has(before) && (word === "join" || JOINS.has(after)) && after !== "(";
  if (word === "on" || word === "using") return false;
  if (word === "from") return !/^(extract|delete|distinct)$/.test(before);
  if (word === "select") return !/^(explain|\()$/.test(before);
  return CLAUSES.has(word);
}
