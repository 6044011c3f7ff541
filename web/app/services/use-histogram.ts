import { getJson } from "../api/client";
import type { SpanHistogram } from "../api/types";
import { useApi, type Loaded } from "../api/use";
import { periodBefore } from "../lib/before";
import { usePlace } from "../lib/router";
import type { Search } from "../lib/search";

const BUCKETS = 60;

export interface Histograms extends Loaded<SpanHistogram> {
  /** The same of the period before, once it has come, if it is asked for. */
  before: { data: SpanHistogram; lengthMs: number } | null;
}

/** Whether the period before is shown, and whether there is one. It stands in the address for all charts of a page. */
export function useBefore(search: Search): { wanted: boolean; range: { start: string; end: string; lengthMs: number } | null } {
  const { params } = usePlace();
  const found = periodBefore(search.fixed, search.madeAt);
  const range = found?.start && found.end ? { start: found.start, end: found.end, lengthMs: Date.parse(found.end) - Date.parse(found.start) } : null;
  return { wanted: params.get("before") === "1" && range !== null, range };
}

/** Spans that match over the search's range; `null` asks for nothing. */
export function useHistogram(query: string | null, search: Search): Histograms {
  const { wanted, range } = useBefore(search);
  const ask = (start: string | null, end: string | null) => (signal: AbortSignal) => getJson<SpanHistogram>("/api/v1/spans/histogram", { query, start, end, buckets: BUCKETS }, signal);
  // Without a fixed end the buckets of the two periods would not be as wide.
  const end = search.fixed.end ?? (wanted && range ? new Date(Date.parse(range.end) + range.lengthMs).toISOString() : null);
  const now = useApi<SpanHistogram>(query === null ? null : `histogram ${query} ${search.key} ${end}`, ask(search.fixed.start, end));
  const before = useApi<SpanHistogram>(query === null || !wanted || !range ? null : `histogram before ${query} ${search.key}`, ask(range?.start ?? null, range?.end ?? null));
  return { ...now, before: wanted && range && before.data && !before.loading ? { data: before.data, lengthMs: range.lengthMs } : null };
}
