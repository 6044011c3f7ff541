import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { ValuePage } from "../api/types";
import type { Search } from "../lib/search";
import { Facets, type FacetAnswer } from "../ui/facets";

const SHOWN = 12;

/** Counts of all spans in the time range: the API has none under a query for spans. */
export function SpanFacets({ search, onClose }: { search: Search; onClose: () => void }): JSX.Element {
  const load = async (field: string, signal: AbortSignal): Promise<FacetAnswer> => {
    const { start, end } = search.fixed;
    const page = await getJson<ValuePage>(`/api/v1/fields/${encodeURIComponent(field)}/values`, { table: "spans", start, end, limit: SHOWN }, signal);
    const values = page.values.map((entry) => ({ value: String(entry.value), count: entry.count }));
    return { values, total: values.reduce((sum, entry) => sum + entry.count, 0) };
  };
  return <Facets table="spans" search={search} first={["service", "name", "status", "kind"]} counts="of these values, among all spans of the time range" load={load} onClose={onClose} />;
}
