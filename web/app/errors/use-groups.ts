import { getJson, type Params } from "../api/client";
import type { ExceptionPage, FailurePage, Grouped } from "../api/groups";
import type { Histogram, SpanHistogram } from "../api/types";
import { useApi, type Loaded } from "../api/use";
import { withoutNews } from "../lib/news";
import type { Search } from "../lib/search";
import { toIso } from "../lib/time";

/** Where exceptions and failures come from. */
const TABLES = { exceptions: ["spans", "logs"], failures: ["spans"] };

/** What is asked of either path. */
export function groupParams(query: string, search: Search, limit: number): Params {
  const { start } = search.fixed;
  return { query, start, end: search.fixed.end ?? (start === null ? null : toIso(search.madeAt)), limit };
}

/**
 * Groups of what matches. With both ends fixed the server can say what the period before did not have; where nothing at
 * all was stored in that period, as on the first day, nothing is new.
 */
export function useGroups<T extends ExceptionPage | FailurePage>(path: "exceptions" | "failures", query: string, search: Search, limit: number): Loaded<T> {
  const found = useApi<T>(`${path} ${query} ${search.key}`, (signal) => getJson(`/api/v1/${path}`, groupParams(query, search, limit), signal));
  const before = baselineOf(found.data);
  const stored = useApi<number>(before ? `stored ${path} ${query} ${before.start} ${before.end}` : null, async (signal) => {
    const counts = TABLES[path].map(async (table) => (await getJson<Histogram | SpanHistogram>(`/api/v1/${table}/histogram`, { query, ...before, buckets: 1 }, signal)).total);
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  });
  const hasNews = before === null || (!stored.loading && (stored.data ?? 0) > 0);
  return { ...found, data: found.data && !hasNews ? withoutNews(found.data) : found.data };
}

/** The period before, if something is said to be new against it. */
function baselineOf(page: Grouped | null): { start: string; end: string } | null {
  if (!page?.new_count || page.baseline_start_unix_nano === null || page.since_unix_nano === null) return null;
  return { start: page.baseline_start_unix_nano, end: page.since_unix_nano };
}
