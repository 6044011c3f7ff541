import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { hasAnsi } from "../lib/ansi";
import { count, plural } from "../lib/format";
import { bytesOf, hexDump, MOST_BYTES } from "../lib/hex";
import { jsonPieces, prettyJson } from "../lib/json";
import { foldStack } from "../lib/stack";
import { AnsiText } from "../ui/ansi";
import { CopyButton } from "../ui/copy";
import { Marked } from "../ui/marked";

/** Longer texts may have a scroll bar, which the keyboard must reach. */
const SCROLLS_FROM = 400;

/** Characters that are in the page before somebody wants all of them. */
const SHOWN = 8000;
/** In more of them every word of its own colour would keep the page busy. */
const COLOURED = 200_000;

/** A text of the detail panel: JSON indented and coloured, terminal colours, stack traces with the libraries' frames folded. */
export function BodyBlock({ text, pattern, title }: { text: string; pattern: RegExp | null; title: string }): JSX.Element | null {
  const [raw, setRaw] = useState(false);
  const [whole, setWhole] = useState(false);
  const json = useMemo(() => prettyJson(text), [text]);
  const all = raw ? text : (json ?? text);
  const isCut = !whole && all.length > SHOWN * 1.25;
  const shown = isCut ? all.slice(0, SHOWN) : all;
  const parts = useMemo(() => (json === null && shown.length <= COLOURED ? foldStack(shown) : []), [shown, json]);
  if (text === "") return null;
  const special = json !== null || hasAnsi(text) || parts.some((part) => part.kind === "frames");
  const isPlain = raw || !special || shown.length > COLOURED;
  return (
    <div class="body-block">
      <pre tabIndex={text.length > SCROLLS_FROM ? 0 : undefined}>
        {isPlain ? <Marked text={shown} pattern={pattern} /> : json !== null ? <Json text={shown} pattern={pattern} /> : <Folded parts={parts} pattern={pattern} />}
        {isCut && (
          <button type="button" class="text-button long-more" onClick={() => setWhole(true)}>
            … show all {count(all.length)} characters
          </button>
        )}
      </pre>
      <span class="body-copy">
        {special && (
          <button type="button" class="text-button" aria-pressed={raw} onClick={() => setRaw(!raw)}>
            {raw ? "Formatted" : "Raw"}
          </button>
        )}
        <CopyButton text={text} title={title} />
      </span>
    </div>
  );
}

/** A body of bytes, which come as base64: in hex, and as text where they are some. */
export function BytesBlock({ base64 }: { base64: string }): JSX.Element {
  const bytes = useMemo(() => bytesOf(base64), [base64]);
  if (!bytes) return <BodyBlock text={base64} pattern={null} title="Copy the body" />;
  return (
    <section class="body-block body-bytes" aria-label="Bytes of the body">
      <pre tabIndex={0}>{bytes.length === 0 ? "(no bytes)" : hexDump(bytes)}</pre>
      <span class="body-copy">
        <CopyButton text={base64} title="Copy the body as base64" />
      </span>
      <p class="hint">
        {plural(bytes.length, "byte")}
        {bytes.length > MOST_BYTES && `, of which the first ${count(MOST_BYTES)} are shown`}
      </p>
    </section>
  );
}

/** JSON in its colours. */
export function Json({ text, pattern }: { text: string; pattern: RegExp | null }): JSX.Element {
  return (
    <>
      {jsonPieces(text).map((piece, index) => (
        <span key={index} class={piece.kind === "plain" ? undefined : `json-${piece.kind}`}>
          <Marked text={piece.text} pattern={pattern} />
        </span>
      ))}
    </>
  );
}

function Folded({ parts, pattern }: { parts: ReturnType<typeof foldStack>; pattern: RegExp | null }): JSX.Element {
  return (
    <>
      {parts.map((part, index) => {
        const end = index === parts.length - 1 ? "" : "\n";
        if (part.kind === "text") return <AnsiText key={index} text={part.lines.join("\n") + end} pattern={pattern} />;
        return <Frames key={index} lines={part.hidden} end={end} />;
      })}
    </>
  );
}

function Frames({ lines, end }: { lines: string[]; end: string }): JSX.Element {
  const [open, setOpen] = useState(false);
  if (open) return <span class="muted">{lines.join("\n") + end}</span>;
  return (
    <>
      <button type="button" class="fold-button" onClick={() => setOpen(true)}>
        … {lines.length} frames of libraries
      </button>
      {end}
    </>
  );
}
