import { useCallback, useEffect, useState } from "preact/hooks";
import { useStore } from "../lib/store";
import { ApiError, authStore } from "./client";

export interface Loaded<T> {
  /** The last good answer; stays while a newer one is under way, so that the page does not flicker. */
  data: T | null;
  error: ApiError | null;
  loading: boolean;
  reload: () => void;
}

/** Loads again whenever `key` changes; `null` loads nothing. The request under way is cancelled. */
export function useApi<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ data: T | null; error: ApiError | null; doneKey: string | null }>({
    data: null,
    error: null,
    doneKey: null,
  });
  const [attempt, setAttempt] = useState(0);
  const { generation } = useStore(authStore);
  const fullKey = key === null ? null : `${key}#${attempt}#${generation}`;

  useEffect(() => {
    if (fullKey === null) return;
    const controller = new AbortController();
    load(controller.signal).then(
      (data) => {
        if (!controller.signal.aborted) setState({ data, error: null, doneKey: fullKey });
      },
      (cause: unknown) => {
        if (controller.signal.aborted) return;
        setState((last) => ({ data: last.data, error: asApiError(cause), doneKey: fullKey }));
      },
    );
    return () => controller.abort();
  }, [fullKey]);

  const reload = useCallback(() => setAttempt((n) => n + 1), []);
  const loading = fullKey !== null && state.doneKey !== fullKey;
  return { data: state.data, error: loading ? null : state.error, loading, reload };
}

/** What stands in the place of an answer that nobody waited for. */
export const cancelledError = (): ApiError => new ApiError(0, "cancelled", "this search was cancelled", "Search again, or narrow the time range.", null, null);

export function asApiError(cause: unknown): ApiError {
  if (cause instanceof ApiError) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ApiError(0, "ui", message, "This is a fault of the UI; reloading the page may help.", null, null);
}
