import type { JSX } from "preact";
import { periodBefore } from "../lib/before";
import { setParams, usePlace } from "../lib/router";
import type { Search } from "../lib/search";

/** A fixed period: the one right before the search's, and as long. */
export interface Before {
  start: string;
  end: string;
  lengthMs: number;
}

/** Whether the period before is shown, and whether there is one. It stands in the address for all of a page. */
export function useBefore(search: Search): { wanted: boolean; range: Before | null } {
  const { params } = usePlace();
  const found = periodBefore(search.fixed, search.madeAt);
  const range = found?.start && found.end ? { start: found.start, end: found.end, lengthMs: Date.parse(found.end) - Date.parse(found.start) } : null;
  return { wanted: params.get("before") === "1" && range !== null, range };
}

/** The end of the search's own period beside one before: without a fixed end the buckets of both would not be as wide. */
export const endBeside = (search: Search, { wanted, range }: { wanted: boolean; range: Before | null }): string | null =>
  search.fixed.end ?? (wanted && range ? new Date(Date.parse(range.end) + range.lengthMs).toISOString() : null);

/** Lays the period before under all charts of the page. */
export function BeforeButton({ search, short = false }: { search: Search; short?: boolean }): JSX.Element | null {
  const { wanted, range } = useBefore(search);
  if (!range) return null;
  return (
    <button type="button" class="legend-item" aria-pressed={wanted} aria-label="Period before" title={`Compare with ${range.start} to ${range.end}`} onClick={() => setParams({ before: wanted ? null : "1" }, "replace")}>
      <i class="swatch swatch-before" aria-hidden="true" />
      {short ? <span class="hide-small">Before</span> : "Period before"}
    </button>
  );
}
