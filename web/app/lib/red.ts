import type { SpanHistogram, SpanSeries } from "../api/types";
import { fixed } from "./format";

export interface Red {
  total: number;
  errors: number;
  /** Spans a second over the whole range. */
  rate: number;
  /** Spans a second in each bucket. */
  failed: number[];
  good: number[];
  /** From 0 to 1; null where nothing happened. */
  errorShare: (number | null)[];
  p50: (number | null)[];
  p95: (number | null)[];
  p99: (number | null)[];
  worstP95: number;
}

const NONE: SpanSeries = { name: null, span_count: [], error_count: [], p50_ns: [], p95_ns: [], p99_ns: [] };

/** Rate, errors and duration, from the first series of an answer. */
export const redSeries = (data: SpanHistogram): Red => redOf(data.series[0] ?? NONE, data.bucket_ns);

/** The same of any series. */
export function redOf(series: SpanSeries, bucketNs: number): Red {
  const seconds = bucketNs / 1e9;
  const sum = (values: number[]): number => values.reduce((all, value) => all + value, 0);
  const total = sum(series.span_count);
  const errorsIn = (bucket: number): number => series.error_count[bucket] ?? 0;
  return {
    total,
    errors: sum(series.error_count),
    rate: total / Math.max(1e-9, seconds * series.span_count.length),
    failed: series.error_count.map((count) => count / seconds),
    good: series.span_count.map((count, bucket) => (count - errorsIn(bucket)) / seconds),
    errorShare: series.span_count.map((count, bucket) => (count === 0 ? null : errorsIn(bucket) / count)),
    p50: series.p50_ns,
    p95: series.p95_ns,
    p99: series.p99_ns,
    worstP95: Math.max(0, ...series.p95_ns.map((value) => value ?? 0)),
  };
}

/** `12.3/s`, or by the minute where that says more; with `like` in the unit of that rate, so that both compare. */
export function perSecond(rate: number, like = rate): string {
  const byMinute = like > 0 && like < 0.1;
  if (rate === 0) return byMinute ? "0/min" : "0/s";
  return byMinute ? `${trim(rate * 60)}/min` : `${trim(rate)}/s`;
}

const trim = (value: number): string => fixed(value, value >= 100 ? 0 : value >= 10 ? 1 : 2);
