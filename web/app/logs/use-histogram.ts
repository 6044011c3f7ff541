import { getJson } from "../api/client";
import type { Histogram } from "../api/types";
import { useApi, type Loaded } from "../api/use";
import { alignBefore } from "../lib/before";
import type { Search } from "../lib/search";
import { endBeside, useBefore } from "../ui/before";

/** The period before under a histogram. */
export interface LogsBefore {
  total: number;
  /** Records, one number for each bucket of the period shown. */
  counts: (number | null)[];
}

export interface LogHistogram extends Loaded<Histogram> {
  before: LogsBefore | null;
}

interface Asked {
  query: string;
  by: string;
  buckets: number;
}

/** Records that match over the search's range, and in the period before if that is asked for. */
export function useLogHistogram({ query, by, buckets }: Asked, search: Search): LogHistogram {
  const period = useBefore(search);
  const { wanted, range } = period;
  const end = endBeside(search, period);
  const ask = (from: string | null, to: string | null) => (signal: AbortSignal) => getJson<Histogram>("/api/v1/logs/histogram", { query, start: from, end: to, buckets, by }, signal);
  const now = useApi<Histogram>(search.cancelled ? null : `logs ${query} ${search.key} ${by} ${buckets} ${end}`, ask(search.fixed.start, end));
  const old = useApi<Histogram>(wanted && range ? `logs before ${query} ${search.key} ${by} ${buckets}` : null, ask(range?.start ?? null, range?.end ?? null));
  const before = wanted && range && now.data && old.data && !old.loading ? laidUnder(now.data, old.data, range.lengthMs) : null;
  return { ...now, before };
}

export const bucketsOf = (data: Histogram): number => Math.max(0, ...data.series.map((series) => series.counts.length));

export const totalsOf = (data: Histogram): number[] => Array.from({ length: bucketsOf(data) }, (_, bucket) => data.series.reduce((sum, series) => sum + (series.counts[bucket] ?? 0), 0));

const laidUnder = (now: Histogram, before: Histogram, lengthMs: number): LogsBefore => ({ total: before.total, counts: alignBefore(now, bucketsOf(now), before, lengthMs, totalsOf(before)) });
