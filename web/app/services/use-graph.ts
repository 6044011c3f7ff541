import { getJson } from "../api/client";
import type { ServiceGraph } from "../api/groups";
import type { Dependencies } from "../api/types";
import { useApi, type Loaded } from "../api/use";
import type { Search } from "../lib/search";
import { parsePoint } from "../lib/time";

/** Who called whom in the range. Jaeger's endpoint wants an end and a length in milliseconds. */
export function useDependencies(search: Search): Loaded<Dependencies> {
  return useApi<Dependencies>(`dependencies ${search.key}`, (signal) => {
    const now = Date.now();
    const end = search.fixed.end === null ? now : (parsePoint(search.fixed.end, now) ?? now);
    const start = search.fixed.start === null ? 0 : (parsePoint(search.fixed.start, now) ?? 0);
    return getJson("/jaeger/api/dependencies", { endTs: Math.ceil(end), lookback: Math.ceil(end - start) }, signal);
  });
}

/** The same with figures, cycles by name, and what services call that sends no spans. */
export function useServiceGraph(search: Search): Loaded<ServiceGraph> {
  return useApi<ServiceGraph>(`graph ${search.key}`, (signal) => getJson("/api/v1/services/graph", { start: search.fixed.start, end: search.fixed.end }, signal));
}
