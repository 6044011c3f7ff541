import type { TimelineSpan } from "../api/types";

type Failing = Pick<TimelineSpan, "status_code" | "error_below" | "start_offset_ns" | "duration_ns">;

/** Where errors began: spans in error without another below them, the one that failed first at the front. */
export function errorOrigins(spans: readonly Failing[]): number[] {
  const found: number[] = [];
  spans.forEach((span, index) => {
    if (span.status_code === "ERROR" && !span.error_below) found.push(index);
  });
  const end = (index: number): number => (spans[index]?.start_offset_ns ?? 0) + (spans[index]?.duration_ns ?? 0);
  return found.sort((a, b) => end(a) - end(b));
}
