import { useMemo, useState } from "preact/hooks";
import { href, setParams, usePlace } from "./router";
import { resolveRange, type Range } from "./time";
import { toggleFilter } from "./query";

export interface Search {
  query: string;
  range: Range;
  /** The range with `now` fixed at the moment of the search. */
  fixed: Range;
  /** Different for every search made, also for the same one again. */
  key: string;
  /** The user came here by the back or forward button. */
  restored: boolean;
  run: (query: string) => void;
  setRange: (range: Range) => void;
  toggle: (field: string, value: string, exclude: boolean) => void;
}

/** The search that stands in the URL: `q`, `start`, `end`. */
export function useSearch(): Search {
  const { params, action } = usePlace();
  const [runs, setRuns] = useState(0);
  const query = params.get("q") ?? "";
  const range = { start: params.get("start"), end: params.get("end") };
  const key = JSON.stringify([query, range.start, range.end, runs]);
  const fixed = useMemo(() => resolveRange(range, Date.now()), [key]);
  return {
    query,
    range,
    fixed,
    key,
    restored: action === "pop",
    run: (next) => {
      if (next === query) setRuns(runs + 1);
      else setParams({ q: next, sel: null });
    },
    setRange: (next) => setParams({ start: next.start, end: next.end, sel: null }),
    toggle: (field, value, exclude) => setParams({ q: toggleFilter(query, field, value, exclude), sel: null }),
  };
}

/** The address of a search with fixed times: who opens it tomorrow sees what we see now. */
export function shareLink(path: string, search: Search, more: Record<string, string | null>): string {
  const { start, end } = search.fixed;
  return window.location.origin + href(path, { q: search.query, start, end: end ?? (start ? new Date().toISOString() : null), ...more });
}
