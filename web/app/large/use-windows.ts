import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ApiError} from "../api/client";
import { getJson } from "../api/client";
import type { Answer } from "../api/types";
import type { FoundSpans, TraceWindow, WindowRow } from "../api/windows";
import { asApiError } from "../api/use";
import { firstWindow, itemsOf, rowOf, trimmed, withChain, withChildren, withoutBelow, withPage, type Gap, type Item, type Loaded, type Similar } from "../lib/windowed";
import type { Zoom } from "../trace/zoom";

/** Rows of one answer. */
export const PAGE = 1000;
/** Rows that the page holds at most; those farthest from what is in sight are put away first. */
export const MOST_ROWS = 20_000;
/** Groups of similar spans that are open at once; the one that was opened first is laid together again. */
const MOST_OPEN = 100;
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
  partial: Answer | null;
  load: (gap: Gap) => void;
  toggle: (row: WindowRow, open: boolean) => void;
  /** Shows each span of a group of similar ones, in the place of its row. */
  openGroup: (row: WindowRow) => void;
  closeAll: () => void;
  openAll: () => void;
  /** Brings a span into the page with all above it; null if it is not in the trace. */
  locate: (wanted: Wanted) => Promise<Located | null>;
  /** What should stay when rows are put away: the index of a row in sight. */
  focus: (index: number) => void;
}

/** A span by its id, if others share that by its start; by its place; or the next that matches, after or before a place. */
export type Wanted = { span_id: string; offset?: number } | { span_index: number } | { query: string; after?: number | null; before?: number | null };

/** A span that was looked for, and how many of those that match come before it. */
export interface Located {
  row: WindowRow;
  at: number;
}

/** What is shown of a trace. */
export interface Shown {
  zoom: Zoom | null;
  clock: "raw" | "adjusted";
  similar: Similar;
}

/** The rows of a large trace, asked for as they are looked at. `onGrown` is told when the trace has other spans than at first. */
export function useWindows(head: TraceWindow, headSimilar: Similar, { zoom, clock, similar }: Shown, onGrown: () => void): Windows {
  const [loaded, setLoaded] = useState(() => firstWindow(head));
  const [closed, setClosed] = useState(NONE);
  const [waiting, setWaiting] = useState(0);
  const [error, setError] = useState<ApiError | null>(null);
  const [partial, setPartial] = useState<Answer | null>(null);
  const cancel = useRef(new AbortController());
  const under = useRef(new Set<string>());
  const focused = useRef(0);
  const groups = useRef<number[]>([]);
  const from = zoom ? Math.floor(zoom.from) : null;
  const to = zoom ? Math.ceil(zoom.to) : null;

  const get = async <T extends Answer & { span_count: number }>(path: string, params: Record<string, string | number | null>): Promise<T> => {
    const { signal } = cancel.current;
    setWaiting((n) => n + 1);
    try {
      const expand = groups.current.length > 0 ? groups.current.join(",") : null;
      const page = await getJson<T>(`/api/v1/traces/${head.trace_id}/timeline${path}`, { similar, expand, ...params }, signal);
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
  const ask = (params: Record<string, number | null>): Promise<TraceWindow> =>
    get("", { limit: PAGE, from_ns: from, to_ns: to, clock: clock === "raw" ? null : clock, ...params });
  const openGroups = (firsts: readonly number[]): void => {
    groups.current = [...groups.current, ...firsts].slice(-MOST_OPEN);
  };
  const find = async (wanted: Wanted): Promise<FoundSpans> => {
    const { offset = null, ...by } = { offset: undefined, ...wanted };
    const found = await get<FoundSpans>("/find", { limit: 2, ...by });
    // Two halves of one call may share an id (Zipkin).
    const second = found.matches[1];
    if (second === undefined || offset === null || found.path.at(-1)?.start_offset_ns === offset) return found;
    return get("/find", { span_index: second });
  };
  /** What is below a span, or at the top, anew. */
  const again = async (under: WindowRow | null): Promise<void> => {
    const page = await ask({ under: under?.span_index ?? null });
    setLoaded((last) => (under ? keep(withChildren(withoutBelow(last, under), under, page)) : firstWindow(page)));
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
    const isHead = from === null && similar === headSimilar;
    if (isFirst.current && isHead) {
      isFirst.current = false;
      return;
    }
    isFirst.current = false;
    groups.current = [];
    cancel.current.abort();
    cancel.current = new AbortController();
    under.current.clear();
    if (isHead) {
      setLoaded(firstWindow(head));
      setClosed(NONE);
      return;
    }
    // While somebody drags, nothing is asked.
    const timer = setTimeout(() => {
      once("window", async () => {
        setLoaded(firstWindow(await ask({})));
        setClosed(NONE);
      });
    }, ZOOM_REST_MS);
    return () => clearTimeout(timer);
  }, [from, to, from === null ? null : clock, similar]);
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
        const page = await ask({ under: gap.under, after: gap.after < 0 ? null : gap.after });
        setLoaded((last) => keep(withPage(last, gap, page)));
      }),
    toggle: (row, open) => {
      if (!open && !closed.has(row.span_index)) {
        once(`under ${row.span_index}`, async () => {
          const page = await ask({ under: row.span_index });
          setLoaded((last) => keep(withChildren(last, row, page)));
        });
        return;
      }
      const next = new Set(closed);
      if (!next.delete(row.span_index)) next.add(row.span_index);
      setClosed(next);
    },
    openGroup: (row) =>
      once(`group ${row.span_index}`, () => {
        openGroups([row.span_index]);
        return again(rowOf(loaded.rows, row.parent_index));
      }),
    closeAll: () => setClosed(new Set(items.flatMap((item) => (item.kind === "row" && item.open && item.row.depth > 0 ? [item.row.span_index] : [])))),
    openAll: () => setClosed(NONE),
    locate: async (wanted) => {
      const found = await find(wanted);
      const chain = found.path.filter((row) => row.similar === null);
      const row = chain.at(-1);
      if (!row) return null;
      focused.current = row.span_index;
      setClosed((last) => new Set([...last].filter((index) => !chain.some((above) => above.span_index === index))));
      // A group that it is a part of is opened, the topmost first: what is below that comes anew.
      const folded = found.path.filter((above) => above.similar !== null);
      openGroups(folded.map((group) => group.span_index));
      if (folded[0]) await again(rowOf(chain, folded[0].parent_index));
      setLoaded((last) => keep(withChain(last, chain, head.span_count)));
      return { row, at: found.matched_before ?? 0 };
    },
    focus: useCallback((index: number) => {
      focused.current = index;
    }, []),
  };
}
