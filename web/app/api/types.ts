import type { ByteMarks } from "../lib/hex";

/** The shapes of docs/api.md that the UI reads. */

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Attributes = Record<string, Json>;
export type Level = "trace" | "debug" | "info" | "warn" | "error" | "fatal" | "unset";

export interface Answer {
  complete: boolean;
  incomplete_reasons?: string[];
  elapsed_ms?: number;
  snapshot?: number;
}

export interface Scope {
  name: string | null;
  version: string | null;
  attributes: Attributes;
  bytes_in_attributes?: ByteMarks;
}

export interface LogRecord {
  id: string;
  time: string;
  time_unix_nano: string;
  observed_time_unix_nano: string | null;
  severity_number: number;
  severity_text: string | null;
  level: Level;
  service_name: string;
  body: string | null;
  body_type: string;
  event_name: string | null;
  trace_id: string | null;
  span_id: string | null;
  attributes: Attributes;
  body_fields: Attributes;
  resource: Attributes;
  scope: Scope;
  /** Where some values are bytes. */
  bytes_in_attributes?: ByteMarks;
  bytes_in_body_fields?: ByteMarks;
  bytes_in_resource?: ByteMarks;
}

export interface LogPage extends Answer {
  logs: LogRecord[];
  next_cursor: string | null;
  partial?: boolean;
}

export interface Histogram extends Answer {
  start_unix_nano: string;
  end_unix_nano: string;
  bucket_ns: number;
  series: { name: string; counts: number[] }[];
  total: number;
}

export interface ServiceCount {
  service_name: string;
  span_count: number;
  error_count: number;
}

export interface TraceSummary {
  trace_id: string;
  start_time_unix_nano: string;
  duration_ns: number;
  root: { service_name: string; name: string; kind: string; status_code: string } | null;
  span_count: number;
  error_count: number;
  matched_spans: number;
  services: ServiceCount[];
}

export interface TracePage extends Answer {
  traces: TraceSummary[];
  next_cursor: string | null;
  partial?: boolean;
}

export interface SpanEvent {
  time_unix_nano: string;
  offset_ns: number;
  name: string;
  attributes: Attributes;
  bytes_in_attributes?: ByteMarks;
}

export interface SpanLink {
  trace_id: string;
  span_id: string;
  attributes: Attributes;
}

export interface TimelineSpan {
  span_id: string;
  parent_span_id: string | null;
  parent_index: number | null;
  depth: number;
  child_count: number;
  descendant_count: number;
  missing_parent: boolean;
  service_name: string;
  name: string;
  kind: string;
  start_offset_ns: number;
  duration_ns: number;
  self_time_ns: number;
  status_code: string;
  status_message: string | null;
  error_below: boolean;
  trace_state?: string;
  attributes: Attributes;
  resource: Attributes;
  scope: Scope;
  events: SpanEvent[];
  links: SpanLink[];
  log_count: number;
  /** Where some values are bytes. */
  bytes_in_attributes?: ByteMarks;
  bytes_in_resource?: ByteMarks;
  /** By how much the browser moved the span against clocks that disagree; not in any answer. */
  clock_delta_ns?: number;
}

export interface Timeline extends Answer {
  trace_id: string;
  start_time_unix_nano: string;
  duration_ns: number;
  span_count: number;
  error_count: number;
  depth: number;
  log_count: number;
  services: ServiceTime[];
  warnings: { kind: string; message: string }[];
  spans: TimelineSpan[];
}

export type ServiceTime = ServiceCount & { self_time_ns: number; critical_time_ns?: number };

/** Some spans of one side of a comparison, added up. */
export interface ComparedSum {
  span_count: number;
  error_count: number;
  duration_ns: number;
  self_time_ns: number;
}

export interface ComparedSpans extends ComparedSum {
  start_offset_ns: number;
  /** When any of them ran. */
  parts: { from_offset_ns: number; to_offset_ns: number }[];
  longest: { span_id: string; duration_ns: number };
}

export interface ComparedTrace {
  trace_id: string;
  start_time_unix_nano: string;
  duration_ns: number;
  span_count: number;
  error_count: number;
  root: { service_name: string; name: string; kind: string; status_code: string } | null;
  /** How it was chosen, if by asking for the median. */
  median: { trace_count: number; root_duration_ns: number } | null;
}

/** Spans that do the same and were called by the same, of both traces. */
export interface ComparedGroup {
  parent_index: number | null;
  depth: number;
  service_name: string;
  name: string;
  kind: string;
  left: ComparedSpans | null;
  right: ComparedSpans | null;
  attributes: { key: string; left: Json[]; right: Json[] }[];
}

export interface Comparison extends Answer {
  left: ComparedTrace;
  right: ComparedTrace;
  services: { service_name: string; left: ComparedSum; right: ComparedSum }[];
  groups: ComparedGroup[];
}

export interface Operation {
  name: string;
  kind: string;
  span_count: number;
  error_count: number;
  p50_ns: number;
  p95_ns: number;
}

export interface Service extends ServiceCount {
  log_count: number;
  operations: Operation[];
}

export interface ServicePage extends Answer {
  services: Service[];
}

/** Spans over time; percentiles of empty buckets are null. */
export interface SpanSeries {
  name: string | null;
  span_count: number[];
  error_count: number[];
  p50_ns: (number | null)[];
  p95_ns: (number | null)[];
  p99_ns: (number | null)[];
}

export interface SpanHistogram extends Answer {
  start_unix_nano: string;
  end_unix_nano: string;
  bucket_ns: number;
  series: SpanSeries[];
  total: number;
}

/** Spans with durations from `min_ns` on, shorter than `max_ns`. */
export interface HeatmapBand {
  min_ns: number;
  max_ns: number | null;
  span_count: number[];
  error_count: number[];
}

/** Spans over time by duration: the bands that have some. */
export interface SpanHeatmap extends Answer {
  start_unix_nano: string;
  end_unix_nano: string;
  bucket_ns: number;
  bands: HeatmapBand[];
  total: number;
}

export interface FieldPage extends Answer {
  /** `distinct` is about as many if not `exact`; `level` has none. */
  fields: { name: string; query_name: string; types: string[]; count: number; distinct?: number; exact?: boolean }[];
}

export interface ValuePage extends Answer {
  field: string;
  values: { value: Json; count: number }[];
  exact: boolean;
}

export interface Status {
  version: string;
  ready: boolean;
  otlp_grpc_addr: string;
  otlp_http_addr: string;
  http_addr: string;
  tls: boolean;
  auth: { read: boolean; ingest: boolean };
}

export interface SqlAnswer extends Answer {
  columns: { name: string; type: string }[];
  rows: Json[][];
  scanned_bytes?: number;
  /** Of an EXPLAIN. */
  scans?: Scan[];
}

/** One scan of a table, step by step. */
export interface Scan {
  table: string;
  ran: boolean;
  steps: ScanStep[];
}

/** What is left after a step; null is what it does not change, or what is not known. */
export interface ScanStep {
  step: string;
  files: number | null;
  row_groups: number | null;
  pages: number | null;
  rows: number | null;
  bytes: number | null;
  read_bytes: number | null;
  elapsed_ns: number | null;
  detail: string;
}

/** What a search would read, and what any query may take. */
export interface Explained extends Answer {
  scans: Scan[];
  limits: { timeout_ms: number; memory_bytes: number };
}
