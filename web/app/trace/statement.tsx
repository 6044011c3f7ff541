import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Attributes } from "../api/types";
import { sqlPieces } from "../lib/statement";
import { BodyBlock } from "../logs/body";
import { CopyButton } from "../ui/copy";

/** Where spans have what they asked a database, by the conventions of today and of before. */
const NAMES = ["db.query.text", "db.statement", "graphql.document"];

/** What a span asked a database, a line for each clause if it is SQL, indented if it is JSON. */
export function Statement({ attributes }: { attributes: Attributes }): JSX.Element | null {
  const name = NAMES.find((each) => typeof attributes[each] === "string" && attributes[each] !== "");
  const text = name === undefined ? "" : String(attributes[name]);
  const pieces = useMemo(() => sqlPieces(text), [text]);
  const [raw, setRaw] = useState(false);
  if (name === undefined) return null;
  return (
    <section class="attributes" aria-label="Statement">
      <h3>
        Statement <span class="muted">{name}</span>
      </h3>
      {pieces === null ? (
        <BodyBlock text={text} pattern={null} title="Copy the statement" />
      ) : (
        <div class="body-block">
          <pre tabIndex={0}>{raw ? text : pieces.map((piece, at) => (piece.keyword ? <span key={at} class="json-word">{piece.text}</span> : piece.text))}</pre>
          <span class="body-copy">
            <button type="button" class="text-button" aria-pressed={raw} onClick={() => setRaw(!raw)}>
              {raw ? "Formatted" : "Raw"}
            </button>
            <CopyButton text={text} title="Copy the statement" />
          </span>
        </div>
      )}
    </section>
  );
}
