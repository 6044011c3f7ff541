import { getJson } from "../api/client";
import type { HeatmapBand, SpanHeatmap } from "../api/types";
import { useApi, type Loaded } from "../api/use";
import { bandOf } from "../lib/bands";
import type { Search } from "../lib/search";

const BUCKETS = 60;
const PHONE_BUCKETS = 30;

/** Spans that match by time and duration; `null` asks for nothing. */
export function useHeatmap(query: string | null, search: Search, phone: boolean): Loaded<SpanHeatmap> {
  const { start, end } = search.fixed;
  const ask = (signal: AbortSignal) => getJson<SpanHeatmap>("/api/v1/spans/heatmap", { query, start, end, buckets: phone ? PHONE_BUCKETS : BUCKETS }, signal);
  return useApi<SpanHeatmap>(query === null ? null : `heatmap ${query} ${search.key} ${phone}`, ask);
}

/** The bands that have spans, by number. */
export const bandsOf = (data: SpanHeatmap): ReadonlyMap<number, HeatmapBand> => new Map(data.bands.map((band) => [bandOf(band.min_ns), band]));

export const bucketsOf = (data: SpanHeatmap): number => data.bands[0]?.span_count.length ?? 0;
