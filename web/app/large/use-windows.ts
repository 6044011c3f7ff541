import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ApiError} from "../api/client";
import { getJson } from "../api/client";
import type { TraceWindow, WindowRow } from "../api/types";
import { asApiError } from "../api/use";
import { firstWindow, itemsOf, rowOf, trimmed, withChain, withChildren, withPage, type Gap, type Item, type Loaded } from "../lib/windowed";
import type { Zoom } from "../trace/zoom";

/** Rows of one answer. */
export const PAGE = 1000;
/** Rows that the page holds at most; those farthest from what is in sight are put away first. */
export const MOST_ROWS = 20_000;
/** One moment of a trace may have more spans than one answer. */
const MOMENT_PAGE = 5000;
const MOMENT_PAGES = 4;
const ANY_DEPTH = 1_000_000;
const ZOOM_REST_MS = 200;
const NONE: ReadonlySet<number> = new Set();

export interface Windows {
  loaded: Loaded;
  items: Item[];
  /** How many requests are under way. */
  waiting: number;
  /** The last request that failed, until another one succeeds. */
  error: ApiError | null;
  /** The last answer that was not the whole truth. */
  partial: TraceWindow | null;
  load: (gap: Gap) => void;
  toggle: (row: WindowRow, open: boolean) => void;
  closeAll: () => void;
  openAll: () => void;
  /** Brings a span that starts at this offset into the page with all above it; null if it cannot be found there. */
  locate: (spanId: string, offset: number) => Promise<WindowRow | null>;
  /** What should stay when rows are put away: the index of a row in sight. */
  focus: (index: number) => void;
}

/** The rows of a large trace, asked for as they are looked at. `onGrown` is told when the trace has other spans than at first. */
export function useWindows(head: TraceWindow, zoom: Zoom | null, onGrown: () => void): Windows {
  const [loaded, setLoaded] = useState(() => firstWindow(head));
  const [closed, setClosed] = useState(NONE);
  const [waiting, setWaiting] = useState(0);
  const [error, setError] = useState<ApiError | null>(null);
  const [partial, setPartial] = useState<TraceWindow | null>(null);
  const cancel = useRef(new AbortController());
  const under = useRef(new Set<string>());
  const focused = useRef(0);
  const from = zoom ? Math.floor(zoom.from) : null;
  const to = zoom ? Math.ceil(zoom.to) : null;

  const ask = async (params: Record<string, number | null>): Promise<TraceWindow> => {
    const { signal } = cancel.current;
    setWaiting((n) => n + 1);
    try {
      const page = await getJson<TraceWindow>(`/api/v1/traces/${head.trace_id}/timeline`, { limit: PAGE, ...params }, signal);
      setError(null);
      if (!page.complete) setPartial(page);
      // Late spans move all places: what is here does not fit any more.
      if (page.span_count !== head.span_count) onGrown();
      return page;
    } catch (cause) {
      if (!signal.aborted) setError(asApiError(cause));
      throw cause;
    } finally {
      setWaiting((n) => n - 1);
    }
  };
  /** Each thing once at a time; failures are shown, and those of requests taken back are none. */
  const once = (key: string, act: () => Promise<void>): void => {
    if (under.current.has(key)) return;
    under.current.add(key);
    act().then(
      () => under.current.delete(key),
      () => under.current.delete(key),
    );
  };
  const keep = (next: Loaded): Loaded => trimmed(next, focused.current, MOST_ROWS);

  const isFirst = useRef(true);
  useEffect(() => {
    if (isFirst.current && from === null) {
      isFirst.current = false;
      return;
    }
    isFirst.current = false;
    cancel.current.abort();
    cancel.current = new AbortController();
    under.current.clear();
    if (from === null) {
      setLoaded(firstWindow(head));
      setClosed(NONE);
      return;
    }
    // While somebody drags, nothing is asked.
    const timer = setTimeout(() => {
      once("window", async () => {
        const page = await ask({ from_ns: from, to_ns: to });
        setLoaded(firstWindow(page));
        setClosed(NONE);
      });
    }, ZOOM_REST_MS);
    return () => clearTimeout(timer);
  }, [from, to]);
  useEffect(() => () => cancel.current.abort(), []);

  const items = useMemo(() => itemsOf(loaded, closed), [loaded, closed]);
  return {
    loaded,
    items,
    waiting,
    error,
    partial,
    load: (gap) =>
      once(`${gap.under} ${gap.after} ${gap.until}`, async () => {
        const page = await ask({ from_ns: from, to_ns: to, under: gap.under, after: gap.after < 0 ? null : gap.after });
        setLoaded((last) => keep(withPage(last, gap, page)));
      }),
    toggle: (row, open) => {
      if (!open && !closed.has(row.span_index)) {
        once(`under ${row.span_index}`, async () => {
          const page = await ask({ from_ns: from, to_ns: to, under: row.span_index });
          setLoaded((last) => keep(withChildren(last, row, page)));
        });
        return;
      }
      const next = new Set(closed);
      if (!next.delete(row.span_index)) next.add(row.span_index);
      setClosed(next);
    },
    closeAll: () => setClosed(new Set(items.flatMap((item) => (item.kind === "row" && item.open && item.row.depth > 0 ? [item.row.span_index] : [])))),
    openAll: () => setClosed(NONE),
    locate: async (spanId, offset) => {
      let after: number | null = null;
      const rows: WindowRow[] = [];
      for (let turn = 0; turn < MOMENT_PAGES; turn += 1) {
        const page: TraceWindow = await ask({ from_ns: offset, to_ns: offset + 1, limit: MOMENT_PAGE, depth: ANY_DEPTH, after });
        rows.push(...page.rows);
        if (page.rows.some((row) => row.span_id === spanId) || page.next_after === null) break;
        after = page.next_after;
      }
      const found = rows.find((row) => row.span_id === spanId && row.start_offset_ns === offset) ?? rows.find((row) => row.span_id === spanId);
      if (!found) return null;
      const chain = [found];
      for (let parent = rowOf(rows, found.parent_index); parent; parent = rowOf(rows, parent.parent_index)) chain.unshift(parent);
      focused.current = found.span_index;
      setClosed((last) => new Set([...last].filter((index) => !chain.some((row) => row.span_index === index))));
      setLoaded((last) => keep(withChain(last, chain, head.span_count)));
      return found;
    },
    focus: useCallback((index: number) => {
      focused.current = index;
    }, []),
  };
}
