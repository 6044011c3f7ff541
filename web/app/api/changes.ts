import type { Answer, Level } from "./types";

export type ChangeKind = "slower" | "errors" | "logs" | "silent" | "appeared";

/** One thing in which a service differs from the baseline. */
export interface ChangeEvidence {
  kind: ChangeKind;
  score: number;
  name: string;
  level: Level | null;
  count: number;
  total: number;
  baseline_count: number;
  baseline_total: number;
  /** Of the time that no child covers. */
  p50_ns: number | null;
  baseline_p50_ns: number | null;
  query: string | null;
  sample_trace_id: string | null;
  sample_span_id: string | null;
}

export interface ServiceChange {
  service_name: string;
  score: number;
  span_count: number;
  baseline_span_count: number;
  below_share: number;
  evidence: ChangeEvidence[];
  evidence_count: number;
}

export interface ServiceChangesPage extends Answer {
  services: ServiceChange[];
  service_count: number;
  trace_count: number;
  baseline_trace_count: number;
}
