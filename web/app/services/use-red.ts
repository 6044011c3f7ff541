import { getJson } from "../api/client";
import type { SpanHistogram, SpanSeries } from "../api/types";
import { useApi } from "../api/use";
import type { Search } from "../lib/search";

const BUCKETS = 40;
const SERVICES = 50;

/** Rate and duration of the busiest services over the range, by name. */
export function useServiceSeries(search: Search): { byName: Map<string, SpanSeries>; answer: SpanHistogram | null } {
  const { start, end } = search.fixed;
  const found = useApi<SpanHistogram>(`services red ${start} ${end} ${search.key}`, (signal) =>
    getJson("/api/v1/spans/histogram", { start, end, buckets: BUCKETS, by: "service_name", limit: SERVICES }, signal),
  );
  const byName = new Map((found.data?.series ?? []).flatMap((series) => (series.name === null ? [] : [[series.name, series] as const])));
  return { byName, answer: found.data };
}
