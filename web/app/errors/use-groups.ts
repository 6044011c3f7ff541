import { getJson } from "../api/client";
import { useApi, type Loaded } from "../api/use";
import type { Search } from "../lib/search";
import { toIso } from "../lib/time";

/** Groups of what matches. With both ends fixed the server can say what the period before did not have. */
export function useGroups<T>(path: "exceptions" | "failures", query: string, search: Search, limit: number): Loaded<T> {
  const { start } = search.fixed;
  const end = search.fixed.end ?? (start === null ? null : toIso(search.madeAt));
  return useApi<T>(`${path} ${query} ${search.key}`, (signal) => getJson(`/api/v1/${path}`, { query, start, end, limit }, signal));
}
