import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { SpanHistogram, ValuePage } from "../api/types";
import type { Search } from "../lib/search";
import { Facets, type FacetAnswer } from "../ui/facets";

const SHOWN = 12;
const REST = ["(other)", "(none)"];

/** Counts of the spans that the query finds. Without a query they are kept by the server and cost it little. */
export function SpanFacets({ search, onClose }: { search: Search; onClose: () => void }): JSX.Element {
  const load = (field: string, signal: AbortSignal): Promise<FacetAnswer> => (search.query.trim() === "" ? loadAll(field, search, signal) : loadFound(field, search, signal));
  return <Facets table="spans" search={search} first={["service", "name", "status", "kind", "duration"]} counts="of the spans that the query finds" load={load} onClose={onClose} />;
}

async function loadAll(field: string, { fixed: { start, end } }: Search, signal: AbortSignal): Promise<FacetAnswer> {
  const page = await getJson<ValuePage>(`/api/v1/fields/${encodeURIComponent(field)}/values`, { table: "spans", start, end, limit: SHOWN }, signal);
  const values = page.values.map((entry) => ({ value: String(entry.value), count: entry.count }));
  return { values, total: values.reduce((sum, entry) => sum + entry.count, 0), complete: page.complete };
}

/** A histogram of one bar, by the field, is exactly that. */
async function loadFound(field: string, { query, fixed: { start, end } }: Search, signal: AbortSignal): Promise<FacetAnswer> {
  const page = await getJson<SpanHistogram>("/api/v1/spans/histogram", { query, start, end, buckets: 1, by: field, limit: SHOWN }, signal);
  const values = page.series.map((series) => ({ value: series.name ?? "(none)", count: series.span_count.reduce((sum, n) => sum + n, 0) }));
  const rest = (value: string): number => Number(REST.includes(value));
  return { values: values.sort((a, b) => rest(a.value) - rest(b.value) || b.count - a.count), total: page.total, complete: page.complete };
}
