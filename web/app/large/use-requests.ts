import { useEffect, useRef, useState } from "preact/hooks";
import type { ApiError } from "../api/client";
import { getJson, type Params } from "../api/client";
import type { Answer } from "../api/types";
import { asApiError } from "../api/use";
import type { FoundSpans, TraceWindow, WindowRow } from "../api/windows";
import { endOf, type Similar } from "../lib/windowed";
import type { Zoom } from "../trace/zoom";

/** Rows of one answer. */
export const PAGE = 1000;

/** What is shown of a trace. */
export interface Shown {
  zoom: Zoom | null;
  clock: "raw" | "adjusted";
  similar: Similar;
  /** Only spans that match this search, and those above them; null for all. */
  only: string | null;
}

/** A span by its id, if others share that by its start; by its place; or the next that matches, after or before a place. */
export type Wanted = { span_id: string; offset?: number } | { span_index: number } | { query: string; after?: number | null; before?: number | null };

/** What is asked of the server about a large trace. */
export interface Requests {
  /** How many are under way. */
  waiting: number;
  /** The last that failed, until another one succeeds. */
  error: ApiError | null;
  /** The last answer that was not the whole truth. */
  partial: Answer | null;
  /** Rows of what is shown. */
  ask: (params: Record<string, number | null>) => Promise<TraceWindow>;
  find: (wanted: Wanted) => Promise<FoundSpans>;
  /** Whether a row is left where only what was found is shown. */
  isKept: (row: WindowRow) => Promise<boolean>;
  /** Takes back what is under way. */
  renew: () => void;
}

/** `open`: the first spans of groups of which each span is shown. `onGrown` is told when the trace has other spans than at first. */
export function useRequests(head: TraceWindow, { zoom, clock, similar, only }: Shown, open: { readonly current: readonly number[] }, onGrown: () => void): Requests {
  const [waiting, setWaiting] = useState(0);
  const [error, setError] = useState<ApiError | null>(null);
  const [partial, setPartial] = useState<Answer | null>(null);
  const cancel = useRef(new AbortController());
  useEffect(() => () => cancel.current.abort(), []);

  const get = async <T extends Answer & { span_count: number }>(path: string, params: Params): Promise<T> => {
    const { signal } = cancel.current;
    setWaiting((n) => n + 1);
    try {
      const expand = open.current.length > 0 ? open.current.join(",") : null;
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
  return {
    waiting,
    error,
    partial,
    ask: (params) => get("", { limit: PAGE, from_ns: zoom ? Math.floor(zoom.from) : null, to_ns: zoom ? Math.ceil(zoom.to) : null, clock: clock === "raw" ? null : clock, query: only, ...params }),
    find: async (wanted) => {
      const { offset = null, ...by } = { offset: undefined, ...wanted };
      const found = await get<FoundSpans>("/find", { limit: 2, ...by });
      // Two halves of one call may share an id (Zipkin).
      const second = found.matches[1];
      if (second === undefined || offset === null || found.path.at(-1)?.start_offset_ns === offset) return found;
      return get("/find", { span_index: second });
    },
    isKept: async (row) => {
      if (only === null) return true;
      const next = await get<FoundSpans>("/find", { limit: 1, query: only, after: row.span_index === 0 ? null : row.span_index - 1 });
      return (next.matches[0] ?? Number.POSITIVE_INFINITY) <= endOf(row);
    },
    renew: () => {
      cancel.current.abort();
      cancel.current = new AbortController();
    },
  };
}
