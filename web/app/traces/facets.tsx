import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { SpanHistogram, ValuePage } from "../api/types";
import { withPart } from "../lib/clause";
import type { Search } from "../lib/search";
import { Facets, type FacetAnswer } from "../ui/facets";

const SHOWN = 12;
/** As many as the server tells; they cost it no more than a few. */
const COUNTED = 1000;
/** Of those that somebody looks for. */
const SHOWN_FOUND = 50;
const REST = ["(other)", "(none)"];

/** Counts of the spans that the query finds. Without a query they are kept by the server and cost it little. */
export function SpanFacets({ search, onClose }: { search: Search; onClose: () => void }): JSX.Element {
  const load = (field: string, part: string, signal: AbortSignal): Promise<FacetAnswer> => (search.query.trim() === "" && part === "" ? loadAll(field, search, signal) : loadFound(field, part, search, signal));
  return <Facets table="spans" search={search} first={["service", "name", "status", "kind", "duration"]} counts="of the spans that the query finds" load={load} onClose={onClose} />;
}

async function loadAll(field: string, { fixed: { start, end } }: Search, signal: AbortSignal): Promise<FacetAnswer> {
  const page = await getJson<ValuePage>(`/api/v1/fields/${encodeURIComponent(field)}/values`, { table: "spans", start, end, limit: COUNTED }, signal);
  const all = page.values.map((entry) => ({ value: String(entry.value), count: entry.count }));
  const sum = (values: typeof all): number => values.reduce((so, entry) => so + entry.count, 0);
  const rest = all.slice(SHOWN);
  return { values: [...all.slice(0, SHOWN), ...(rest.length > 0 ? [{ value: "(other)", count: sum(rest) }] : [])], total: sum(all), complete: page.complete };
}

/** A histogram of one bar, by the field, is exactly that. */
async function loadFound(field: string, part: string, { query, fixed: { start, end } }: Search, signal: AbortSignal): Promise<FacetAnswer> {
  const page = await getJson<SpanHistogram>("/api/v1/spans/histogram", { query: withPart(query, field, part), start, end, buckets: 1, by: field, limit: part === "" ? SHOWN : SHOWN_FOUND }, signal);
  const values = page.series.map((series) => ({ value: series.name ?? "(none)", count: series.span_count.reduce((sum, n) => sum + n, 0) }));
  const rest = (value: string): number => Number(REST.includes(value));
  return { values: values.sort((a, b) => rest(a.value) - rest(b.value) || b.count - a.count), total: page.total, complete: page.complete };
}
