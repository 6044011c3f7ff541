import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { authStore, getJson, type ApiError } from "../api/client";
import { inPieces } from "../api/pieces";
import type { TracePage, TraceSummary } from "../api/types";
import { asApiError, cancelledError } from "../api/use";
import { createKept } from "../lib/kept";
import { currentTenant } from "../lib/router";
import type { Search } from "../lib/search";
import { rememberSizes } from "../lib/sizes";
import { useStore } from "../lib/store";

const PAGE = 100;
/** Traces held in the browser. */
const MAX_TRACES = 5000;

export interface TraceRows {
  traces: TraceSummary[];
  page: TracePage | null;
  error: ApiError | null;
  loading: boolean;
  /** Of which some traces are here. */
  partial: boolean;
  loadingMore: boolean;
  hasMore: boolean;
  loadMore: () => void;
}

interface Held {
  traces: TraceSummary[];
  page: TracePage | null;
  error: ApiError | null;
  /** The search of which these traces are. */
  rowsKey: string | null;
  /** The search of which all of a page is here. */
  doneKey: string | null;
}

const NOTHING: Held = { traces: [], page: null, error: null, rowsKey: null, doneKey: null };

const kept = createKept<Held>();
export const keepScroll = kept.keepScroll;
export const keptScroll = kept.scroll;
/** What is searched for, without the moment of the search. */
export const keptKeyOf = ({ query, range }: Search): string => JSON.stringify([currentTenant(), query, range.start, range.end]);

export function useTraces(search: Search): TraceRows {
  const { generation } = useStore(authStore);
  const fullKey = `${search.key}#${generation}`;
  const keptKey = keptKeyOf(search);
  const [held, setHeld] = useState<Held>(() => (search.restored ? (kept.get(keptKey) ?? NOTHING) : NOTHING));
  const restored = useRef(held !== NOTHING);
  const running = useRef<(() => void) | null>(null);
  const [moreFrom, setMoreFrom] = useState<string | null>(null);

  const load = (cursor: string | null, before: TraceSummary[]): (() => void) => {
    const controller = new AbortController();
    const params = { query: search.query, start: search.fixed.start, end: search.fixed.end };
    let traces = before;
    const show = (more: TraceSummary[], page: TracePage | null, ended: Partial<Held>): void => {
      rememberSizes(more);
      traces = before.concat(more);
      if (!controller.signal.aborted) setHeld((last) => ({ ...last, traces, page, error: null, rowsKey: fullKey, ...ended }));
    };
    inPieces(
      { cursor, limit: PAGE },
      (piece) => getJson<TracePage>("/api/v1/traces", { ...params, ...piece }, controller.signal),
      (page) => page.traces,
      (more, page) => show(more, page, {}),
    ).then(
      ({ rows, page }) => {
        show(rows, page, { doneKey: fullKey });
        if (!controller.signal.aborted) kept.keep(keptKey, { traces: before.concat(rows), page, error: null, rowsKey: fullKey, doneKey: fullKey });
        setMoreFrom(null);
      },
      (cause: unknown) => {
        if (!controller.signal.aborted) setHeld({ traces, page: null, error: asApiError(cause), rowsKey: fullKey, doneKey: fullKey });
        setMoreFrom(null);
      },
    );
    const stop = (): void => controller.abort();
    running.current = stop;
    return stop;
  };
  useEffect(() => {
    setMoreFrom(null);
    if (restored.current) {
      restored.current = false;
      setHeld((last) => ({ ...last, rowsKey: fullKey, doneKey: fullKey }));
      return undefined;
    }
    return load(null, []);
  }, [fullKey]);
  useEffect(() => (moreFrom ? load(moreFrom, held.traces) : undefined), [moreFrom]);
  useEffect(() => {
    if (!search.cancelled) return;
    running.current?.();
    setMoreFrom(null);
    setHeld((last) => (last.doneKey === fullKey ? last : { traces: last.rowsKey === fullKey ? last.traces : [], page: null, error: cancelledError(), rowsKey: fullKey, doneKey: fullKey }));
  }, [search.cancelled]);

  const cursor = held.doneKey === fullKey && held.traces.length < MAX_TRACES ? (held.page?.next_cursor ?? null) : null;
  const loadMore = useCallback(() => {
    if (cursor) setMoreFrom(cursor);
  }, [cursor]);
  return {
    traces: held.traces,
    page: held.page,
    error: held.doneKey === fullKey ? held.error : null,
    loading: held.doneKey !== fullKey,
    partial: held.doneKey !== fullKey && held.rowsKey === fullKey,
    loadingMore: moreFrom !== null,
    hasMore: cursor !== null,
    loadMore,
  };
}
