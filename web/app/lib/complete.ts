import { filterText, tokenise, unquote } from "./query";

/** What the caret stands in: the beginning of a word may become a field, text after `field:` a value. */
export interface Target {
  kind: "field" | "value";
  field: string;
  prefix: string;
  start: number;
  end: number;
}

/** Operators after which a value of the field is expected. */
const TAKES_VALUE = /^:?(=|!=)?$/;

export function targetAt(text: string, caret: number): Target | null {
  const tokens = tokenise(text);
  const index = tokens.findIndex((token) => caret > token.start && caret <= token.start + token.text.length);
  const token = tokens[index];
  if (!token || token.kind === "space") return { kind: "field", field: "", prefix: "", start: caret, end: caret };
  const end = token.start + token.text.length;
  // `-` and `(` alone: a field may follow.
  if (token.kind === "minus" || token.text === "-" || token.text === "(") return { kind: "field", field: "", prefix: "", start: end, end };
  if (token.kind === "word" || (token.kind === "field" && token.text !== "*")) return { kind: "field", field: "", prefix: text.slice(token.start, caret), start: token.start, end };
  // Of all of a record no values are known, and ends of a range are numbers or times.
  if (token.text === "*" || (token.kind === "operator" && tokens[index - 1]?.text === "*")) return null;
  if (token.kind === "value" && (tokens[index - 2]?.text === "*" || /^[[{]/.test(token.text))) return null;
  if (token.kind === "operator" && TAKES_VALUE.test(token.text)) return { kind: "value", field: tokens[index - 1]?.text ?? "", prefix: "", start: end, end };
  if (token.kind === "value" && TAKES_VALUE.test(tokens[index - 1]?.text ?? "")) {
    return { kind: "value", field: tokens[index - 2]?.text ?? "", prefix: unquote(token.text.slice(0, caret - token.start)), start: token.start, end };
  }
  return null;
}

/** A value as it is written after `field:`. */
export const valueText = (value: string): string => filterText("", value).slice(1);
