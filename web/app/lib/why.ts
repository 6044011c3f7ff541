import { splitClauses, tokenise, unquote } from "./query";

/** The query without one of its clauses each, as long as that leaves something; not of a query with OR at the top. */
export function withoutEach(query: string): { clause: string; rest: string }[] {
  const clauses = splitClauses(query);
  if (clauses.length < 2 || clauses.includes("OR")) return [];
  return clauses.map((clause, at) => ({ clause, rest: clauses.filter((_, other) => other !== at).join(" ") }));
}

const SERVICE = /^(service|service\.name|service_name)$/;

/** Services that the query wants and nobody has ever heard of, each with the known ones that are written nearly like it. */
export function unknownServices(query: string, known: readonly string[]): { name: string; like: string[] }[] {
  const tokens = tokenise(query);
  return tokens.flatMap((token, at) => {
    const operator = tokens[at + 1]?.text;
    const value = tokens[at + 2];
    const negated = tokens[at - 1]?.kind === "minus" || tokens.slice(0, at).findLast(({ kind }) => kind !== "space")?.text === "NOT";
    if (token.kind !== "field" || !SERVICE.test(token.text) || operator !== ":" || value?.kind !== "value" || negated) return [];
    const name = unquote(value.text);
    if (/[*?~[{(]/.test(name) || known.some((each) => each.toLowerCase() === name.toLowerCase())) return [];
    return [{ name, like: nearest(name, known) }];
  });
}

const MOST_LIKE = 3;

/** Names that contain it or are contained, and those a few letters away. */
function nearest(name: string, known: readonly string[]): string[] {
  const lower = name.toLowerCase();
  const scored = known.map((each) => {
    const other = each.toLowerCase();
    const contains = other.includes(lower) || lower.includes(other);
    return { each, distance: contains ? 0.5 : distance(lower, other) };
  });
  const limit = Math.max(1, Math.floor(lower.length / 3));
  return scored.filter((one) => one.distance <= limit).sort((a, b) => a.distance - b.distance || a.each.localeCompare(b.each)).slice(0, MOST_LIKE).map(({ each }) => each);
}

/** Letters to insert, delete or replace (Levenshtein). */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 8 || a.length > 100) return Number.POSITIVE_INFINITY;
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) next[j] = Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length] ?? 0;
}
