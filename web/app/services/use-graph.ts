import { getJson } from "../api/client";
import type { ServiceGraph } from "../api/groups";
import { useApi, type Loaded } from "../api/use";
import type { Search } from "../lib/search";

/** Who called whom in the range, with figures, cycles by name, and what is called that sends no spans; of one service, or of all. */
export function useServiceGraph(search: Search, service: string | null = null): Loaded<ServiceGraph> {
  return useApi<ServiceGraph>(`graph ${service ?? ""} ${search.key}`, (signal) => getJson("/api/v1/services/graph", { start: search.fixed.start, end: search.fixed.end, service }, signal));
}
