import type { ComponentChildren, JSX } from "preact";
import { useState } from "preact/hooks";
import { count } from "../lib/format";

/** Characters that are in the page before somebody wants all of them. */
const SHOWN = 4000;

/** A value that may be megabytes: its beginning, and the rest when it is asked for. */
export function LongText({ text, children }: { text: string; children: (shown: string) => ComponentChildren }): JSX.Element {
  const [open, setOpen] = useState(false);
  if (open || text.length <= SHOWN * 1.25) return <>{children(text)}</>;
  return (
    <>
      {children(text.slice(0, SHOWN))}
      <button type="button" class="text-button long-more" onClick={() => setOpen(true)}>
        … show all {count(text.length)} characters
      </button>
    </>
  );
}
