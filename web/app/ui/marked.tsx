import type { JSX } from "preact";
import { markMatches } from "../lib/query";

/** Text with the query's words marked. Always text nodes: what strangers logged is never markup. */
export function Marked({ text, pattern }: { text: string; pattern: RegExp | null }): JSX.Element {
  if (!pattern) return <>{text}</>;
  return <>{markMatches(text, pattern).map((piece, index) => (piece.marked ? <mark key={index}>{piece.text}</mark> : piece.text))}</>;
}
