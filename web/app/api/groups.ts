/** Answers that lay records together: log patterns, exceptions, failures. */

import type { Answer, Level, ServiceCount } from "./types";

type Counted = Pick<ServiceCount, "service_name"> & { count: number };
type CountedOperation = Counted & { name: string };

/** Whether a group was not there before; null when there is no time before to tell by. */
interface Aged {
  count: number;
  new: boolean | null;
  baseline_count: number | null;
  first_seen: string;
  last_seen: string;
}

export interface Grouped extends Answer {
  new_count: number | null;
  total: number;
  baseline_start_unix_nano: string | null;
  /** From where on there are any records in it. */
  baseline_data_start_unix_nano: string | null;
  /** Where the time before ends, if there is one. */
  since_unix_nano: string | null;
}

export interface LogPattern extends Aged {
  /** Words, with `<num>`, `<id>`, `<*>` … for what differs. */
  template: string;
  query: string;
  share: number;
  levels: Partial<Record<Level, number>>;
  services: Counted[];
  service_count: number;
  counts: number[];
  sample_id: string;
  sample_time_unix_nano: string;
}

export interface PatternPage extends Grouped {
  patterns: LogPattern[];
  pattern_count: number;
  baseline_total: number;
  other_count: number;
}

export interface ExceptionGroup extends Aged {
  type: string | null;
  message: string | null;
  frames: string[];
  frame_count: number;
  span_count: number;
  log_count: number;
  services: Counted[];
  operations: CountedOperation[];
  counts: number[];
  sample_trace_id: string | null;
  sample_span_id: string | null;
  sample_log_id: string | null;
}

export interface ExceptionPage extends Grouped {
  exceptions: ExceptionGroup[];
  group_count: number;
}

export interface FailureGroup extends Aged {
  service_name: string;
  name: string;
  kind: string;
  exception_type: string | null;
  message: string | null;
  root_failed_count: number;
  root_operations: CountedOperation[];
  samples: { trace_id: string; span_id: string; path: string[] }[];
}

export interface FailurePage extends Grouped {
  failures: FailureGroup[];
  group_count: number;
}

export interface GraphNode {
  name: string;
  /** `service`, or what sends no spans itself: `database`, `messaging`, `external`, `server`, `client`. */
  kind: string;
  system: string | null;
  /** Of a service that says one. */
  namespace: string | null;
}

export interface GraphEdge {
  from: string;
  from_kind: string;
  to: string;
  to_kind: string;
  inferred: boolean;
  calls: number;
  error_count: number;
  p50_ns: number;
  p95_ns: number;
  sample_trace_ids: string[];
}

export interface GraphCycle {
  name: string;
  edges: { from: string; to: string; calls: number }[];
  /** Calls that closed the cycle within one trace. */
  round_count: number;
  sample_trace_ids: string[];
}

export interface ServiceGraph extends Answer {
  nodes: GraphNode[];
  edges: GraphEdge[];
  cycles: GraphCycle[];
  more_cycles: boolean;
}

/** A value that is more frequent in a selection than outside of it. */
export interface Difference {
  field: string;
  /** null stands for records without the field. */
  value: string | null;
  selection_count: number;
  baseline_count: number;
  selection_share: number;
  baseline_share: number;
  lift: number | null;
  score: number;
  query: string | null;
}

export interface DifferencePage extends Answer {
  selection_count: number;
  baseline_count: number;
  differences: Difference[];
  left_out_fields: string[];
}
