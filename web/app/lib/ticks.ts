import type { LogRecord, TimelineSpan } from "../api/types";

/** A moment within a span: an event or a log record. */
export interface Tick {
  key: string;
  /** From the trace's start. */
  ns: number;
  kind: "event" | "error" | "warn" | "log";
  title: string;
}

const MAX_TICKS = 60;
/** Farther apart than this, a nanosecond no longer fits into the distance as a number. */
const MAX_DISTANCE_NS = 2n ** 52n;

export function ticksOf(span: TimelineSpan, traceStartNanos: bigint, logs: readonly LogRecord[] | undefined): Tick[] {
  const ticks: Tick[] = span.events.slice(0, MAX_TICKS).map((event, index) => ({
    key: `event ${index}`,
    ns: Number(BigInt(event.time_unix_nano) - traceStartNanos) + (span.clock_delta_ns ?? 0),
    kind: event.name === "exception" ? "error" : "event",
    title: event.name,
  }));
  for (const log of (logs ?? []).slice(0, MAX_TICKS)) {
    const distance = BigInt(log.time_unix_nano) - traceStartNanos;
    if (distance > MAX_DISTANCE_NS || distance < -MAX_DISTANCE_NS) continue;
    const kind = log.level === "error" || log.level === "fatal" ? "error" : log.level === "warn" ? "warn" : "log";
    ticks.push({ key: log.id, ns: Number(distance) + (span.clock_delta_ns ?? 0), kind, title: `${log.level}: ${(log.body ?? "").slice(0, 200)}` });
  }
  return ticks;
}
