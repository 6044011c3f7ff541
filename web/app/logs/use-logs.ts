import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { getJson, authStore, type ApiError } from "../api/client";
import { inPieces } from "../api/pieces";
import { asApiError, cancelledError } from "../api/use";
import type { LogPage, LogRecord } from "../api/types";
import { createKept } from "../lib/kept";
import { useStore } from "../lib/store";
import type { Range } from "../lib/time";

export interface LogQuery {
  query: string;
  range: Range;
  order: "desc" | "asc";
}

export interface LogRows {
  rows: LogRecord[];
  page: LogPage | null;
  error: ApiError | null;
  /** The first page is under way. */
  loading: boolean;
  /** Of which some rows are here. */
  partial: boolean;
  loadingMore: boolean;
  hasMore: boolean;
  loadMore: () => void;
}

const FIRST_PAGE = 200;
const NEXT_PAGE = 500;
/** Who scrolls that far scrolls on: fewer, larger answers. */
const FAR_PAGE = 2000;
const FAR = 2000;
/** Rows held in the browser; more than this is a job for a narrower query or an export. */
export const MAX_ROWS = 120_000;

/** Records that are here at once, as a list of pages has them. */
export const listed = (rows: LogRecord[]): LogRows => ({ rows, page: null, error: null, loading: false, partial: false, loadingMore: false, hasMore: false, loadMore: () => undefined });

interface Held {
  rows: LogRecord[];
  page: LogPage | null;
  error: ApiError | null;
  /** The search of which these rows are. */
  rowsKey: string | null;
  /** The search of which all of a page is here. */
  doneKey: string | null;
}

const NOTHING: Held = { rows: [], page: null, error: null, rowsKey: null, doneKey: null };

const kept = createKept<Held>();
export const keepScroll = kept.keepScroll;
export const keptScroll = kept.scroll;

/** Rows of this search that are here stay; those of the search before are none of this one. */
const endedBy = (error: ApiError, held: Held, key: string): Held => ({ rows: held.rowsKey === key ? held.rows : [], page: null, error, rowsKey: key, doneKey: key });

/**
 * Pages of logs for one query; a new `key` starts over. `keptKey` names what is searched for without the
 * moment of the search, and `mayRestore` is true when the user came back to it.
 */
export function useLogs(key: string, keptKey: string, wanted: LogQuery, mayRestore: boolean, cancelled: boolean): LogRows {
  const { generation } = useStore(authStore);
  const fullKey = `${key}#${generation}`;
  const [held, setHeld] = useState<Held>(() => (mayRestore ? (kept.get(keptKey) ?? NOTHING) : NOTHING));
  const [loadingMore, setLoadingMore] = useState(false);
  const more = useRef<AbortController | null>(null);
  const first = useRef<AbortController | null>(null);
  const restored = useRef(held !== NOTHING);

  const fetchPage = (cursor: string | null, signal: AbortSignal, onPart: (rows: LogRecord[], page: LogPage) => void): Promise<{ rows: LogRecord[]; page: LogPage }> =>
    inPieces(
      { cursor, limit: cursor === null ? FIRST_PAGE : held.rows.length < FAR ? NEXT_PAGE : FAR_PAGE },
      (piece) => getJson<LogPage>("/api/v1/logs", { query: wanted.query, start: wanted.range.start, end: wanted.range.end, order: wanted.order, ...piece }, signal),
      (page) => page.logs,
      onPart,
    );

  useEffect(() => {
    if (restored.current) {
      restored.current = false;
      setHeld((last) => ({ ...last, rowsKey: fullKey, doneKey: fullKey }));
      return;
    }
    const controller = new AbortController();
    first.current = controller;
    more.current?.abort();
    setLoadingMore(false);
    const onPart = (rows: LogRecord[], page: LogPage): void => {
      if (!controller.signal.aborted) setHeld((last) => ({ ...last, rows, page, error: null, rowsKey: fullKey }));
    };
    fetchPage(null, controller.signal, onPart).then(
      ({ rows, page }) => {
        if (controller.signal.aborted) return;
        const next = { rows, page, error: null, rowsKey: fullKey, doneKey: fullKey };
        kept.keep(keptKey, next);
        setHeld(next);
      },
      (cause: unknown) => {
        if (!controller.signal.aborted) setHeld((last) => endedBy(asApiError(cause), last, fullKey));
      },
    );
    return () => controller.abort();
  }, [fullKey]);

  useEffect(() => {
    if (!cancelled) return;
    first.current?.abort();
    more.current?.abort();
    setLoadingMore(false);
    setHeld((last) => (last.doneKey === fullKey ? last : endedBy(cancelledError(), last, fullKey)));
  }, [cancelled]);

  const cursor = held.page?.next_cursor ?? null;
  const loadMore = useCallback(() => {
    if (!cursor || loadingMore || held.doneKey !== fullKey || held.rows.length >= MAX_ROWS) return;
    const controller = new AbortController();
    more.current = controller;
    setLoadingMore(true);
    let rows = held.rows;
    const onPart = (more: LogRecord[], page: LogPage): void => {
      if (controller.signal.aborted) return;
      rows = held.rows.concat(more);
      setHeld({ ...held, rows, page });
    };
    fetchPage(cursor, controller.signal, onPart).then(
      (found) => {
        if (controller.signal.aborted) return;
        const next = { ...held, rows: held.rows.concat(found.rows), page: found.page, error: null };
        kept.keep(keptKey, next);
        setHeld(next);
        setLoadingMore(false);
      },
      (cause: unknown) => {
        if (controller.signal.aborted) return;
        setHeld({ ...held, rows, error: asApiError(cause), page: null });
        setLoadingMore(false);
      },
    );
  }, [cursor, loadingMore, held, fullKey]);

  return {
    rows: held.rows,
    page: held.page,
    error: held.doneKey === fullKey ? held.error : null,
    loading: held.doneKey !== fullKey,
    partial: held.doneKey !== fullKey && held.rowsKey === fullKey,
    loadingMore,
    hasMore: cursor !== null && held.rows.length < MAX_ROWS,
    loadMore,
  };
}
