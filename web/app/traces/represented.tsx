import type { JSX } from "preact";
import { getJson } from "../api/client";
import type { SpanHistogram, ValuePage } from "../api/types";
import { useApi } from "../api/use";
import { about, count } from "../lib/format";
import { asTraceId } from "../lib/query";
import { represented } from "../lib/sampling";
import type { Search } from "../lib/search";

/** Different tracestates that are told apart. */
const STATES = 49;

/** How many spans match and, as they were sampled, how many those stand for; nothing where none says so. */
export function RepresentedSpans({ search }: { search: Search }): JSX.Element | null {
  const { start, end } = search.fixed;
  // Most have none; that is counted once a file, and kept.
  const field = useApi<ValuePage>(`tracestate ${search.key}`, (signal) => getJson("/api/v1/fields/trace_state/values", { table: "spans", limit: 1, start, end }, signal));
  const has = (field.data?.values.length ?? 0) > 0;
  const query = search.query.trim();
  const found = useApi<SpanHistogram>(has && asTraceId(query) === null ? `represented ${search.key}` : null, (signal) => getJson("/api/v1/spans/histogram", { query, start, end, buckets: 1, by: "trace_state", limit: STATES }, signal));
  const sum = found.data && !found.loading ? represented(found.data) : null;
  if (!sum) return null;
  return (
    <span class="muted hide-phone" title="They were sampled: their tracestate says how many each of them stands for. Those without one stand for themselves.">
      {count(sum.spans)} spans match, stand for {sum.atLeast ? "at least" : "about"} {about(sum.all)}
    </span>
  );
}
