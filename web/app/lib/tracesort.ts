import type { TraceSummary } from "../api/types";

export const TRACE_COLUMNS = ["time", "root", "duration", "spans", "errors", "services"] as const;
export type TraceColumn = (typeof TRACE_COLUMNS)[number];

/** How a list of traces is ordered. `up`: the other way round than it is read first, which is the newest, the longest, the most, or from A on. */
export interface TraceSort {
  column: TraceColumn;
  up: boolean;
}

/** What the address says: `duration`, or `duration-up`. */
export function readTraceSort(text: string | null): TraceSort {
  const [name, end] = (text ?? "").split("-up");
  const column = TRACE_COLUMNS.find((each) => each === name) ?? "time";
  return { column, up: end !== undefined && column === name };
}

export const writeTraceSort = ({ column, up }: TraceSort): string | null => (column === "time" && !up ? null : `${column}${up ? "-up" : ""}`);

/** A click on a column's head: by it, and the second time the other way round. */
export const clickedSort = (now: TraceSort, column: TraceColumn): TraceSort => ({ column, up: now.column === column && !now.up });

const rootOf = ({ root }: TraceSummary): string => (root ? `${root.service_name} ${root.name}` : "");

const BY: Record<TraceColumn, (a: TraceSummary, b: TraceSummary) => number> = {
  time: () => 0,
  root: (a, b) => Number(!a.root) - Number(!b.root) || rootOf(a).localeCompare(rootOf(b)),
  duration: (a, b) => b.duration_ns - a.duration_ns,
  spans: (a, b) => b.span_count - a.span_count,
  errors: (a, b) => b.error_count - a.error_count,
  services: (a, b) => b.services.length - a.services.length,
};

/** In that order; of traces that are even, the newest first. */
export function sortedTraces(traces: readonly TraceSummary[], { column, up }: TraceSort): TraceSummary[] {
  if (column === "time") return up ? [...traces].reverse() : [...traces];
  return [...traces].sort((a, b) => (up ? BY[column](b, a) : BY[column](a, b)));
}
