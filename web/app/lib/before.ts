import { fixed } from "./format";
import { nanosToMs, parsePoint, resolveRange, stepRange, toIso, type Range } from "./time";

/** The range as long, right before this one; null for a range without a beginning. */
export function periodBefore(fixed: Range, nowMs: number): Range | null {
  return fixed.start === null ? null : stepRange(resolveRange(fixed, nowMs), -1, nowMs);
}

const DAY_MS = 86_400_000;

export interface Against {
  key: string;
  label: string;
  /** How long before the range the other one lies; null: right before it. */
  shiftMs: number | null;
}

/** What a range can be compared with; the first is the usual. */
export const AGAINST: readonly [Against, ...Against[]] = [
  { key: "before", label: "time before", shiftMs: null },
  { key: "day", label: "day before", shiftMs: DAY_MS },
  { key: "week", label: "week before", shiftMs: 7 * DAY_MS },
];

export const againstOf = (key: string | null): Against => AGAINST.find((each) => each.key === key) ?? AGAINST[0];

/** The range as long that a range is compared with; null for a range without a beginning. */
export function baselineOf(fixed: Range, { shiftMs }: Against, nowMs: number): Range | null {
  if (shiftMs === null) return periodBefore(fixed, nowMs);
  const { start, end } = resolveRange(fixed, nowMs);
  if (start === null) return null;
  const shifted = (instant: string | null): string | null => {
    const ms = instant === null ? nowMs : parsePoint(instant, nowMs);
    return ms === null ? null : toIso(ms - shiftMs);
  };
  return { start: shifted(start), end: shifted(end) };
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
  const much = Math.abs(share) >= 10 ? `${fixed(1 + share, 0)}×` : `${fixed(Math.abs(share * 100), Math.abs(share) < 0.1 ? 1 : 0)} %`;
  return { text: much.endsWith("×") ? much : `${share > 0 ? "+" : "−"}${much}`, direction: share > 0 ? 1 : -1 };
}
