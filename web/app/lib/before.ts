import { nanosToMs, resolveRange, stepRange, type Range } from "./time";

/** The range as long, right before this one; null for a range without a beginning. */
export function periodBefore(fixed: Range, nowMs: number): Range | null {
  return fixed.start === null ? null : stepRange(resolveRange(fixed, nowMs), -1, nowMs);
}

interface Buckets {
  start_unix_nano: string;
  bucket_ns: number;
}

/** Values of the period before, one for each bucket of this one: those of the same time into their period. */
export function alignBefore(now: Buckets, buckets: number, before: Buckets, lengthMs: number, values: readonly (number | null)[]): (number | null)[] {
  const bucketMs = now.bucket_ns / 1e6;
  const shift = nanosToMs(now.start_unix_nano) - lengthMs - nanosToMs(before.start_unix_nano);
  if (before.bucket_ns !== now.bucket_ns) return Array.from({ length: buckets }, () => null);
  return Array.from({ length: buckets }, (_, at) => values[at + Math.round(shift / bucketMs)] ?? null);
}

export interface Change {
  /** `+12 %`, `−3 %`, `same`, `new`. */
  text: string;
  direction: -1 | 0 | 1;
}

/** How a figure differs from what it was. Less than half a percent is the same. */
export function change(now: number, before: number): Change {
  if (before === 0) return now === 0 ? { text: "same", direction: 0 } : { text: "new", direction: 1 };
  const share = (now - before) / before;
  if (Math.abs(share) < 0.005) return { text: "same", direction: 0 };
  const much = Math.abs(share) >= 10 ? `${(1 + share).toFixed(0)}×` : `${Math.abs(share * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0)} %`;
  return { text: much.endsWith("×") ? much : `${share > 0 ? "+" : "−"}${much}`, direction: share > 0 ? 1 : -1 };
}
