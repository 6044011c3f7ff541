import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { Histogram } from "../api/types";
import { withPart } from "../lib/clause";
import type { Search } from "../lib/search";
import { Facets, type FacetAnswer } from "../ui/facets";

const SHOWN = 10;
/** Of those that somebody looks for. */
const SHOWN_FOUND = 50;

/** Counts of what the query finds: a histogram of one bar, stacked by the field, is exactly that. */
export function LogFacets({ search, onClose }: { search: Search; onClose: () => void }): JSX.Element {
  const load = async (field: string, part: string, signal: AbortSignal): Promise<FacetAnswer> => {
    const by = field === "service" ? "service_name" : field;
    const { start, end } = search.fixed;
    const page = await getJson<Histogram>("/api/v1/logs/histogram", { query: withPart(search.query, field, part), start, end, buckets: 1, by, limit: part === "" ? SHOWN : SHOWN_FOUND }, signal);
    const values = page.series.map((series) => ({ value: series.name, count: series.counts.reduce((sum, n) => sum + n, 0) }));
    return { values: values.sort((a, b) => Number(a.value === "(other)") - Number(b.value === "(other)") || b.count - a.count), total: page.total, complete: page.complete };
  };
  return <Facets table="logs" search={search} first={["level", "service"]} counts="of what the query finds" load={load} onClose={onClose} />;
}
