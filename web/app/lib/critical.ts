import type { TimelineSpan } from "../api/types";

type Timed = Pick<TimelineSpan, "start_offset_ns" | "duration_ns" | "descendant_count" | "depth">;

/** A stretch of time in which one span, by itself, kept the trace from ending. Nanoseconds from the trace's start. */
export interface CriticalPart {
  index: number;
  from: number;
  to: number;
}

interface Frame {
  index: number;
  start: number;
  cursor: number;
  /** Children by their end, the last one first; cut at the end of the parent. */
  children: { index: number; start: number; end: number }[];
  next: number;
}

/**
 * The critical path: from the end of the longest root backwards, always into the child that ended last, since
 * the parent was waiting for it; where no child ran, the span itself is the reason. Its parts do not overlap and
 * add up to the root's duration. Children that outlive their parent are cut, as nothing waited for their rest.
 */
export function criticalPath(spans: readonly Timed[]): CriticalPart[] {
  const root = longestRoot(spans);
  if (root === -1) return [];
  const parts: CriticalPart[] = [];
  // A stack of our own: traces can be deeper than the engine's.
  const stack = [frameOf(spans, root, Number.POSITIVE_INFINITY)];
  for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
    const child = frame.children[frame.next];
    if (!child) {
      if (frame.cursor > frame.start) parts.push({ index: frame.index, from: frame.start, to: frame.cursor });
      stack.pop();
      continue;
    }
    frame.next += 1;
    // It ran beside one that is on the path already and ended later: nothing waited for it.
    if (child.end > frame.cursor || child.end <= child.start) continue;
    if (frame.cursor > child.end) parts.push({ index: frame.index, from: child.end, to: frame.cursor });
    frame.cursor = child.start;
    stack.push(frameOf(spans, child.index, child.end, child.start));
  }
  return parts.reverse();
}

function longestRoot(spans: readonly Timed[]): number {
  let best = -1;
  spans.forEach((span, index) => {
    if (span.depth === 0 && (best === -1 || span.duration_ns > (spans[best]?.duration_ns ?? 0))) best = index;
  });
  return best;
}

function frameOf(spans: readonly Timed[], index: number, endLimit: number, startLimit = Number.NEGATIVE_INFINITY): Frame {
  const span = spans[index];
  const start = Math.max(startLimit, span?.start_offset_ns ?? 0);
  const end = Math.min(endLimit, (span?.start_offset_ns ?? 0) + (span?.duration_ns ?? 0));
  const children: Frame["children"] = [];
  for (let at = index + 1; span && at <= index + span.descendant_count; ) {
    const child = spans[at];
    if (!child) break;
    children.push({ index: at, start: Math.max(start, child.start_offset_ns), end: Math.min(end, child.start_offset_ns + child.duration_ns) });
    at += 1 + child.descendant_count;
  }
  children.sort((a, b) => b.end - a.end);
  return { index, start, cursor: end, children, next: 0 };
}

/** The time that each span is on the path, by its index. */
export function criticalTimes(parts: readonly CriticalPart[]): Map<number, number> {
  const times = new Map<number, number>();
  for (const part of parts) times.set(part.index, (times.get(part.index) ?? 0) + part.to - part.from);
  return times;
}
