import { getJson, type Params } from "./client";
import type { Answer, ServiceTime, TimelineSpan } from "./types";

/** A span as a window of a large trace has it: without attributes. */
export interface WindowRow {
  /** Its place in the whole tree, depth first. */
  span_index: number;
  span_id: string;
  parent_index: number | null;
  depth: number;
  service_name: string;
  name: string;
  kind: string;
  start_offset_ns: number;
  duration_ns: number;
  self_time_ns: number;
  critical_time_ns: number;
  /** When that was; nothing of a row that stands for several spans. */
  critical_parts: { from_offset_ns: number; to_offset_ns: number }[];
  /** On the clock of the root. */
  adjusted_start_offset_ns: number;
  error: boolean;
  error_below: boolean;
  missing_parent: boolean;
  /** How many other spans have its id. */
  same_id_count: number;
  /** Where only what matches is asked for: whether it does, or is above one that does. */
  matched?: boolean;
  child_count: number;
  descendant_count: number;
  /** The siblings that it stands for; index and id are those of the first. */
  similar: SimilarSpans | null;
}

export interface SimilarSpans {
  span_count: number;
  error_count: number;
  longest_index: number;
  duration_ns: number;
  duration_min_ns: number;
  duration_median_ns: number;
  duration_max_ns: number;
}

/** What the answer about a window says of the whole trace. */
export interface TraceAnalysis extends Answer {
  services: ServiceTime[];
  service_count: number;
  warnings: { kind: string; message: string }[];
  clock_skew: { caller: string; called: string; skew_ns: number; calls: number }[];
  adjusted: { start_offset_ns: number; duration_ns: number };
  error_origin: { span_index: number; span_id: string; service_name: string; name: string } | null;
}

/** Where spans are in the tree, and the rows down to the first of them. */
export interface FoundSpans extends Answer {
  span_count: number;
  /** All of them, and how many come before the first of `matches`. */
  matched_spans: number;
  matched_before: number | null;
  matches: number[];
  path: WindowRow[];
  /** Of the first of `matches`, with `include=rows`. */
  rows?: WindowRow[];
  /** All that is stored of the first of `matches`, with `include=span`. */
  span?: StoredSpan | null;
}

/** A span as a timeline has it, without its place. */
export type StoredSpan = Pick<
  TimelineSpan,
  "span_id" | "service_name" | "name" | "kind" | "start_offset_ns" | "duration_ns" | "status_code" | "status_message" | "trace_state" | "attributes" | "resource" | "scope" | "events" | "links" | "bytes_in_attributes" | "bytes_in_resource"
>;

/** One span of a large trace: that at a place if it is still there, as two spans may share an id, or else the first with the id. */
export async function findSpan(traceId: string, { span_id, span_index }: { span_id: string; span_index?: string | number | undefined }, signal: AbortSignal): Promise<FoundSpans> {
  const find = (wanted: Params): Promise<FoundSpans> => getJson(`/api/v1/traces/${traceId}/timeline/find`, { similar: "apart", limit: 1, include: "span", ...wanted }, signal);
  const byPlace = span_index === undefined ? null : await find({ span_index }).catch(() => null);
  return byPlace?.path.at(-1)?.span_id === span_id ? byPlace : find({ span_id });
}

export interface TraceWindow extends Answer {
  trace_id: string;
  start_time_unix_nano: string;
  duration_ns: number;
  span_count: number;
  error_count: number;
  depth: number;
  /** Spans in the window, shown or not, and how many levels the rows have. */
  window: { span_count: number; error_count: number; depth: number };
  next_after: number | null;
  rows: WindowRow[];
}
