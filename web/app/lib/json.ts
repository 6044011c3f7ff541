/** JSON for people: indented, and cut into pieces to be coloured. */

export interface JsonPiece {
  kind: "key" | "string" | "number" | "word" | "plain";
  text: string;
}

/** The text indented when it is a JSON object or list, else `null`. Numbers stay as they are written. */
export function prettyJson(text: string): string | null {
  const trimmed = text.trim();
  if (!/^[{[]/.test(trimmed)) return null;
  try {
    JSON.parse(trimmed);
  } catch {
    return null;
  }
  return indent(trimmed);
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/** By tokens and not by parsing and printing, which would round integers beyond 2^53. */
function indent(text: string): string {
  let depth = 0;
  let out = "";
  let opened = false;
  const line = (): string => `\n${"  ".repeat(depth)}`;
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === "{" || token === "[") {
      if (opened) out += line();
      depth += 1;
      out += token;
      opened = true;
      continue;
    }
    if (token === "}" || token === "]") {
      depth -= 1;
      out += opened ? token : line() + token;
      opened = false;
      continue;
    }
    if (opened) out += line();
    opened = false;
    out += token === ":" ? ": " : token === "," ? `,${line()}` : token;
  }
  return out;
}

export function jsonPieces(text: string): JsonPiece[] {
  const pieces: JsonPiece[] = [];
  let last = 0;
  for (const match of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|-?\d[\d.eE+-]*/g)) {
    if (match.index > last) pieces.push({ kind: "plain", text: text.slice(last, match.index) });
    const [whole, string, colon, word] = match;
    if (string !== undefined) {
      pieces.push({ kind: colon === undefined ? "string" : "key", text: string });
      if (colon !== undefined) pieces.push({ kind: "plain", text: colon });
    } else pieces.push({ kind: word === undefined ? "number" : "word", text: whole });
    last = match.index + whole.length;
  }
  if (last < text.length) pieces.push({ kind: "plain", text: text.slice(last) });
  return pieces;
}
