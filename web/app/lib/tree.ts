import type { TimelineSpan } from "../api/types";

type Shape = Pick<TimelineSpan, "descendant_count" | "child_count">;

/** Every ancestor of `index`, nearest first. */
export function ancestors(spans: readonly Pick<TimelineSpan, "parent_index">[], index: number): number[] {
  const found: number[] = [];
  let parent = spans[index]?.parent_index ?? null;
  while (parent !== null && found.length <= spans.length) {
    found.push(parent);
    parent = spans[parent]?.parent_index ?? null;
  }
  return found;
}

/** What is closed on a trace's page: a rule that stands in the address. `level2` shows the spans down to depth 2. */
export type Fold = "none" | "all" | "errors" | "critical" | `level${number}`;

export function readFold(text: string | null): Fold {
  return text === "all" || text === "errors" || text === "critical" || /^level\d+$/.test(text ?? "") ? (text as Fold) : "none";
}

type Foldable = Shape & Pick<TimelineSpan, "depth" | "error_below">;

/** The spans that a rule closes. Closed is never what has nothing below it. */
export function foldedBy(fold: Fold, spans: readonly Foldable[], critical: ReadonlySet<number>): Set<number> {
  const level = fold.startsWith("level") ? Number(fold.slice(5)) : fold === "all" ? 1 : null;
  const found = new Set<number>();
  if (fold === "none") return found;
  const keepsOpen = fold === "critical" ? withSomeBelow(spans, critical) : null;
  spans.forEach((span, index) => {
    if (span.child_count === 0) return;
    if (level !== null ? span.depth >= level : keepsOpen ? !keepsOpen.has(index) : !span.error_below) found.add(index);
  });
  return found;
}

/** The spans that have one of `wanted` below them. Descendants follow their ancestor, so one step backwards will do. */
function withSomeBelow(spans: readonly Shape[], wanted: ReadonlySet<number>): Set<number> {
  const found = new Set<number>();
  let nearest = Number.POSITIVE_INFINITY;
  for (let index = spans.length - 1; index >= 0; index -= 1) {
    if (nearest <= index + (spans[index]?.descendant_count ?? 0)) found.add(index);
    if (wanted.has(index)) nearest = index;
  }
  return found;
}

/** `wanted` with all above them: what is left of the tree when the others are hidden. */
export function withAbove(spans: readonly Shape[], wanted: ReadonlySet<number>): Set<number> {
  return new Set([...wanted, ...withSomeBelow(spans, wanted)]);
}

export interface Segment {
  start: number;
  end: number;
}

/**
 * The parts of a span in which none of its children runs: its own work. Offsets in nanoseconds.
 * Children that outlive the span are cut at its end, since only its own time is drawn.
 */
export function selfSegments(spans: readonly TimelineSpan[], index: number): Segment[] {
  const span = spans[index];
  if (!span) return [];
  const from = span.start_offset_ns;
  const to = from + span.duration_ns;
  const children: Segment[] = [];
  for (let at = index + 1; at <= index + span.descendant_count; ) {
    const child = spans[at];
    if (!child) break;
    const part = { start: Math.max(from, child.start_offset_ns), end: Math.min(to, child.start_offset_ns + child.duration_ns) };
    // A child may run wholly before or after it.
    if (part.end > part.start) children.push(part);
    at += 1 + child.descendant_count;
  }
  children.sort((a, b) => a.start - b.start);
  const free: Segment[] = [];
  let cursor = from;
  for (const child of children) {
    if (child.start > cursor) free.push({ start: cursor, end: child.start });
    cursor = Math.max(cursor, child.end);
  }
  if (cursor < to) free.push({ start: cursor, end: to });
  return free;
}

/** Round distances for a ruler: 1, 2 or 5 times a power of ten, about `wanted` of them. */
export function rulerTicks(start: number, end: number, wanted: number): number[] {
  const span = end - start;
  if (!(span > 0)) return [start];
  const rough = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const ticks: number[] = [];
  for (let at = Math.ceil(start / step) * step; at < end; at += step) ticks.push(at);
  return ticks;
}
