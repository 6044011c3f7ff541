import { getJson, type Params } from "../api/client";
import type { ExceptionPage, FailurePage } from "../api/groups";
import { useApi, type Loaded } from "../api/use";
import { isAged } from "../lib/aged";
import { withoutNews } from "../lib/news";
import type { Search } from "../lib/search";
import { toIso } from "../lib/time";

/** What is asked of either path. */
export function groupParams(query: string, search: Search, limit: number): Params {
  const { start } = search.fixed;
  return { query, start, end: search.fixed.end ?? (start === null ? null : toIso(search.madeAt)), limit };
}

/**
 * Groups of what matches. With both ends fixed the server can say what the period before did not have; where hardly anything
 * is stored of that period, as on the first day, nothing is new.
 */
export function useGroups<T extends ExceptionPage | FailurePage>(path: "exceptions" | "failures", query: string, search: Search, limit: number): Loaded<T> {
  const found = useApi<T>(`${path} ${query} ${search.key}`, (signal) => getJson(`/api/v1/${path}`, groupParams(query, search, limit), signal));
  return { ...found, data: found.data && !isAged(found.data) ? withoutNews(found.data) : found.data };
}
