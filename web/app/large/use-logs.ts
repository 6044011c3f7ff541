import { useEffect, useRef, useState } from "preact/hooks";
import { getJson, type ApiError } from "../api/client";
import type { LogPage, LogRecord } from "../api/types";
import { asApiError } from "../api/use";
import type { WindowRow } from "../api/windows";
import { MAX_ROWS, type LogRows } from "../logs/use-logs";
import type { Reach } from "../trace/loglist";

const PAGE = 500;

interface Held {
  /** Of which spans these are. */
  key: string;
  rows: LogRecord[];
  page: LogPage | null;
  error: ApiError | null;
}

export interface LargeLogs extends LogRows {
  retry: () => void;
}

/** The logs of a large trace, or of a part of it, page by page: the server knows what is below a span. */
export function useLargeLogs(traceId: string, reach: Reach, row: WindowRow | null): LargeLogs {
  const key = reach === "trace" || !row ? traceId : `${traceId} ${reach} ${row.span_id} ${row.span_index}`;
  const [held, setHeld] = useState<Held>({ key: "", rows: [], page: null, error: null });
  const [loadingMore, setLoadingMore] = useState(false);
  const [turn, setTurn] = useState(0);
  const cancel = useRef(new AbortController());
  const fetchPage = (cursor: string | null): Promise<LogPage> => {
    const paged = { order: "asc", limit: PAGE, cursor };
    const { signal } = cancel.current;
    if (reach === "span" && row) return getJson("/api/v1/logs", { query: `trace_id:${traceId} span_id:${row.span_id}`, ...paged }, signal);
    return getJson(`/api/v1/traces/${traceId}/timeline/logs`, { under: reach === "subtree" && row ? row.span_index : null, ...paged }, signal);
  };
  useEffect(() => {
    cancel.current = new AbortController();
    const { signal } = cancel.current;
    setLoadingMore(false);
    fetchPage(null).then(
      (page) => !signal.aborted && setHeld({ key, rows: page.logs, page, error: null }),
      (cause: unknown) => !signal.aborted && setHeld({ key, rows: [], page: null, error: asApiError(cause) }),
    );
    return () => cancel.current.abort();
  }, [key, turn]);
  const isHere = held.key === key;
  const cursor = isHere ? (held.page?.next_cursor ?? null) : null;
  return {
    rows: isHere ? held.rows : [],
    page: held.page,
    error: isHere ? held.error : null,
    loading: !isHere,
    partial: false,
    loadingMore,
    hasMore: cursor !== null && held.rows.length < MAX_ROWS,
    loadMore: () => {
      if (cursor === null || loadingMore || held.rows.length >= MAX_ROWS) return;
      const { signal } = cancel.current;
      setLoadingMore(true);
      fetchPage(cursor)
        .then(
          (page) => !signal.aborted && setHeld({ key, rows: held.rows.concat(page.logs), page, error: null }),
          (cause: unknown) => !signal.aborted && setHeld({ ...held, page: null, error: asApiError(cause) }),
        )
        .finally(() => !signal.aborted && setLoadingMore(false));
    },
    retry: () => {
      setHeld({ key: "", rows: [], page: null, error: null });
      setTurn(turn + 1);
    },
  };
}
