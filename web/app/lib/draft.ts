import { useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Draft {
  /** What stands in the field. */
  text: string;
  setText: (text: string) => void;
  /** To be called with what is asked, whoever asks it, before the address says so. */
  asked: (value: string) => void;
}

/**
 * The text of a search field: what was asked last, as the address has it, until something else is typed. That the
 * page is there, or that the address follows what was asked from this field, takes nothing back of what was typed since.
 */
export function useDraft(query: string): Draft {
  const [text, put] = useState(query);
  const latest = useRef(text);
  const known = useRef(query);
  const own = useRef<string | null>(null);
  const setText = (next: string): void => {
    latest.current = next;
    put(next);
  };
  // With the page and not a frame later, when more may have been typed.
  useLayoutEffect(() => {
    if (query === known.current) return;
    known.current = query;
    if (own.current !== query) {
      latest.current = query;
      put(query);
    }
    own.current = null;
  }, [query]);
  return {
    text,
    setText,
    asked: (value) => {
      own.current = value.trim() === latest.current.trim() ? value.trim() : null;
    },
  };
}

/** Where in a text the server means: it counts code points of what it was asked, without the blanks around; here they are UTF-16 units. */
export function placeIn(text: string, codePoints: number): number {
  const blank = text.length - text.trimStart().length;
  return blank + [...text.slice(blank)].slice(0, codePoints).join("").length;
}
