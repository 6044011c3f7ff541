import { useEffect, useRef, useState } from "preact/hooks";
import { getJson } from "../api/client";
import { asApiError } from "../api/use";
import type { FoundSpans, WindowRow } from "../api/windows";
import { asTraceId } from "../lib/query";
import type { Search } from "../lib/search";

/** Spans that are shown under their trace. */
const SHOWN = 10;
/** Traces that are open at once; the one that was opened first is closed again. */
const MOST_OPEN = 50;

/** The spans of one trace that match. */
export interface Matched {
  spans: WindowRow[];
  total: number;
  state: "loading" | "here" | { failed: string };
}

export interface MatchedSpans {
  /** Whether there is a query that spans can match. */
  possible: boolean;
  of: (traceId: string) => Matched | null;
  toggle: (traceId: string) => void;
}

const LOADING: Matched = { spans: [], total: 0, state: "loading" };

/** The spans that the query found, asked for when a trace of the list is opened. */
export function useMatched(search: Search): MatchedSpans {
  const [open, setOpen] = useState<ReadonlyMap<string, Matched>>(new Map());
  const cancel = useRef(new AbortController());
  useEffect(() => {
    setOpen(new Map());
    return () => {
      cancel.current.abort();
      cancel.current = new AbortController();
    };
  }, [search.key]);
  const set = (traceId: string, matched: Matched): void =>
    // Closed in the meantime, it stays closed.
    setOpen((last) => (last.has(traceId) ? new Map([...last, [traceId, matched]]) : last));
  const load = (traceId: string): void => {
    const { signal } = cancel.current;
    getJson<FoundSpans>(`/api/v1/traces/${traceId}/timeline/find`, { query: search.query, limit: SHOWN, include: "rows" }, signal).then(
      (found) => set(traceId, { spans: found.rows ?? [], total: found.matched_spans, state: "here" }),
      (cause: unknown) => {
        if (!signal.aborted) set(traceId, { ...LOADING, state: { failed: asApiError(cause).message } });
      },
    );
  };
  return {
    possible: search.query.trim() !== "" && asTraceId(search.query) === null,
    of: (traceId) => open.get(traceId) ?? null,
    toggle: (traceId) => {
      const next = new Map(open);
      if (!next.delete(traceId)) {
        next.set(traceId, LOADING);
        load(traceId);
      }
      setOpen(new Map([...next].slice(-MOST_OPEN)));
    },
  };
}

export type ListItem<T> = { kind: "trace"; trace: T } | { kind: "span"; trace: T; span: WindowRow } | { kind: "note"; trace: T; matched: Matched };

/** The rows of a list of traces: each, the spans below those that are open, and what there is to say of the rest. */
export function listItems<T extends { trace_id: string }>(traces: readonly T[], of: MatchedSpans["of"]): ListItem<T>[] {
  return traces.flatMap((trace): ListItem<T>[] => {
    const matched = of(trace.trace_id);
    if (!matched) return [{ kind: "trace", trace }];
    const spans = matched.spans.map((span): ListItem<T> => ({ kind: "span", trace, span }));
    const isAll = matched.state === "here" && matched.total <= matched.spans.length && matched.total > 0;
    return [{ kind: "trace", trace }, ...spans, ...(isAll ? [] : [{ kind: "note" as const, trace, matched }])];
  });
}
