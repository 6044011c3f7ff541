import type { JSX } from "preact";
import { linkPieces } from "../lib/links";
import { LongText } from "./longtext";
import { Marked } from "./marked";

/** A value that somebody sent: text nodes only, addresses of the web as links, the beginning of what is long. */
export function ValueText({ text, pattern = null }: { text: string; pattern?: RegExp | null }): JSX.Element {
  return (
    <LongText text={text}>
      {(shown) =>
        linkPieces(shown).map((piece, at) =>
          piece.href === null ? (
            <Marked key={at} text={piece.text} pattern={pattern} />
          ) : (
            <a key={at} class="value-link" href={piece.href} target="_blank" rel="noopener noreferrer nofollow" title="Open the address in a new tab">
              <Marked text={piece.text} pattern={pattern} />
            </a>
          ),
        )
      }
    </LongText>
  );
}
