import type { JSX } from "preact";
import { ansiPieces } from "../lib/ansi";
import { Marked } from "./marked";

/** Text with terminal colours, and the query's words marked in it. */
export function AnsiText({ text, pattern }: { text: string; pattern: RegExp | null }): JSX.Element {
  return (
    <>
      {ansiPieces(text).map((piece, index) => (
        <span key={index} class={piece.classes}>
          <Marked text={piece.text} pattern={pattern} />
        </span>
      ))}
    </>
  );
}
