import { getJson } from "../api/client";
import type { SpanHistogram } from "../api/types";
import { useApi, type Loaded } from "../api/use";
import type { Search } from "../lib/search";
import { endBeside, useBefore } from "../ui/before";

const BUCKETS = 60;

export interface Histograms extends Loaded<SpanHistogram> {
  /** The same of the period before, once it has come, if it is asked for. */
  before: { data: SpanHistogram; lengthMs: number } | null;
}

/** Spans that match over the search's range; `null` asks for nothing. */
export function useHistogram(query: string | null, search: Search): Histograms {
  const period = useBefore(search);
  const { wanted, range } = period;
  const ask = (start: string | null, end: string | null) => (signal: AbortSignal) => getJson<SpanHistogram>("/api/v1/spans/histogram", { query, start, end, buckets: BUCKETS }, signal);
  const end = endBeside(search, period);
  const now = useApi<SpanHistogram>(query === null ? null : `histogram ${query} ${search.key} ${end}`, ask(search.fixed.start, end));
  const before = useApi<SpanHistogram>(query === null || !wanted || !range ? null : `histogram before ${query} ${search.key}`, ask(range?.start ?? null, range?.end ?? null));
  return { ...now, before: wanted && range && before.data && !before.loading ? { data: before.data, lengthMs: range.lengthMs } : null };
}
