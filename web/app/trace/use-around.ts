import { getJson } from "../api/client";
import type { Timeline } from "../api/types";
import { useApi } from "../api/use";

/** Where a span stands among those of its operation. */
export interface Percentile {
  percent: number;
  among: number;
  exact: boolean;
}

/** A span of another trace that links to this one. */
export interface LinkedFrom {
  trace_id: string;
  span_id: string;
  to_span_id: string;
  service_name: string;
  name: string;
  start_time_unix_nano: string;
}

/** What other traces say of this one. */
export interface Around {
  percentileOf: (index: number) => Percentile | null;
  linkedFrom: (spanId: string) => LinkedFrom[];
}

type Answer = Omit<Timeline, "spans"> & { spans: (Timeline["spans"][number] & { percentile?: Percentile | null })[]; linked_from?: LinkedFrom[] };

/** The answer has all spans once more: of larger traces they would be asked for twice. */
const MAX_SPANS = 5000;

/** Asked once somebody looks at a span: it reads other traces, which a look at the whole does not need. */
export function useAround(trace: Timeline, wanted: boolean): Around | null {
  const asked = wanted && trace.span_count <= MAX_SPANS;
  const found = useApi<Answer>(asked ? `around ${trace.trace_id}` : null, (signal) => getJson(`/api/v1/traces/${trace.trace_id}`, { view: "timeline", include: "percentiles,linked_from" }, signal));
  if (!found.data) return null;
  const { spans, linked_from: links = [] } = found.data;
  return {
    // Late spans may have come in between: then the places are others.
    percentileOf: (index) => (spans[index]?.span_id === trace.spans[index]?.span_id ? (spans[index]?.percentile ?? null) : null),
    linkedFrom: (spanId) => links.filter((link) => link.to_span_id === spanId),
  };
}
