import type { SpanHistogram, TimelineSpan } from "../api/types";

type Weighed = Pick<TimelineSpan, "attributes"> & { trace_state?: string };

/** Thresholds are of 56 bits, written as hex without the zeros at the end. */
const DIGITS = 14;

/** The weight in the `ot=th:…` of a tracestate: how many requests each one that was kept stands for; null without one. */
export function thresholdWeight(traceState: string | null | undefined): number | null {
  const own = traceState?.split(",").map((entry) => entry.trim()).find((entry) => entry.startsWith("ot="));
  const threshold = own?.slice(3).split(";").find((part) => part.startsWith("th:"))?.slice(3);
  if (threshold === undefined || !/^[0-9a-f]{1,14}$/.test(threshold)) return null;
  const rejected = Number.parseInt(threshold.padEnd(DIGITS, "0"), 16);
  return 2 ** 56 / (2 ** 56 - rejected);
}

/** How many spans one stands for, as its tracestate or its attributes say; null if they say nothing. */
export function weightOf({ attributes, trace_state }: Weighed): number | null {
  const known = thresholdWeight(trace_state);
  if (known !== null) return known;
  const share = attributes["sampling.probability"];
  if (typeof share === "number" && share > 0 && share <= 1) return 1 / share;
  const weight = attributes["sampling.weight"] ?? attributes["SampleRate"];
  return typeof weight === "number" && weight >= 1 ? weight : null;
}

/** How many spans these stand for together, those without a weight for themselves; null if none has one. */
export function standFor(spans: readonly Weighed[]): number | null {
  let known = false;
  const sum = spans.reduce((all, span) => {
    const weight = weightOf(span);
    known ||= weight !== null;
    return all + (weight ?? 1);
  }, 0);
  return known ? sum : null;
}

/** What the spans that match come to: how many there are, and how many they stand for. */
export interface Represented {
  spans: number;
  all: number;
  /** Some have a tracestate that is not told: they count for themselves. */
  atLeast: boolean;
}

/** From a histogram by tracestate; null if none of them says anything. */
export function represented(data: Pick<SpanHistogram, "series" | "total">): Represented | null {
  let known = false;
  let all = 0;
  let atLeast = false;
  for (const { name, span_count } of data.series) {
    const spans = span_count.reduce((sum, count) => sum + count, 0);
    const weight = thresholdWeight(name);
    known ||= weight !== null;
    atLeast ||= name === "(other)";
    all += spans * (weight ?? 1);
  }
  return known && all > data.total ? { spans: data.total, all, atLeast } : null;
}
