import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { COLUMNS_KEY } from "./layout";
import { keptChoice } from "./prefs";
import { currentPlace, href, hrefWith, setParams, usePlace } from "./router";
import { rememberQuery } from "./saved";
import { isRelative, resolveRange, toIso, type Range } from "./time";
import { hasFilter, toggleFilter } from "./query";

export interface Search {
  query: string;
  range: Range;
  /** The range with `now` fixed at the moment of the search. */
  fixed: Range;
  /** That moment. */
  madeAt: number;
  /** Different for every search made, also for the same one again. */
  key: string;
  /** The user came here by the back or forward button. */
  restored: boolean;
  run: (query: string) => void;
  /** The same search once more. */
  again: () => void;
  /** Nobody waits for this search any more. */
  cancelled: boolean;
  cancel: () => void;
  setRange: (range: Range) => void;
  toggle: (field: string, value: string, exclude: boolean) => void;
  /** The query with a filter added. */
  withFilter: (field: string, value: string, exclude: boolean) => string;
}

/** When the search on the page was made: what a copied link must show again. */
let madeAt = Date.now();

/** The search that stands in the URL: `q`, `start`, `end`. */
export function useSearch(): Search {
  const { path, params, action } = usePlace();
  const [runs, setRuns] = useState(0);
  const [cancelledKey, setCancelledKey] = useState<string | null>(null);
  const query = params.get("q") ?? "";
  const range = { start: params.get("start"), end: params.get("end") };
  const key = JSON.stringify([query, range.start, range.end, runs]);
  const fixed = useMemo(() => {
    madeAt = Date.now();
    return resolveRange(range, madeAt);
  }, [key]);
  const again = useCallback(() => setRuns((n) => n + 1), []);
  // Who comes back to a search that was cancelled wants it now.
  useEffect(() => setCancelledKey(null), [key]);
  useEffect(() => rememberQuery(path, query), [path, query]);
  return {
    query,
    range,
    fixed,
    madeAt,
    key,
    restored: action === "pop",
    again,
    cancelled: cancelledKey === key,
    cancel: () => setCancelledKey(key),
    run: (next) => {
      if (next === query) again();
      else setParams({ q: next, sel: null });
    },
    setRange: (next) => setParams({ start: next.start, end: next.end, sel: null }),
    withFilter: (field, value, exclude) => (hasFilter(query, field, value, exclude) ? query : toggleFilter(query, field, value, exclude)),
    toggle: (field, value, exclude) => setParams({ q: toggleFilter(query, field, value, exclude), sel: null }),
  };
}

/** The address of this page with fixed times: who opens it tomorrow sees what we see now. */
export function absoluteLink(): string {
  const { path, params } = currentPlace();
  if (path.startsWith("/trace/")) return window.location.href;
  const range = { start: params.get("start"), end: params.get("end") };
  const { start, end } = isRelative(range) ? resolveRange(range, madeAt) : range;
  const cols = path === "/logs" ? (params.get("cols") ?? keptChoice(COLUMNS_KEY)) : null;
  return window.location.origin + hrefWith(path, params, { start, end: end ?? toIso(madeAt), every: null, cols });
}

/** Another view, of the same time. */
export function hrefInRange(path: string, more: Record<string, string | null> = {}): string {
  const { params } = currentPlace();
  return href(path, { ...more, start: params.get("start"), end: params.get("end") });
}
