import type { ComparedGroup, ComparedSpans, Comparison } from "../api/types";
import { fixed } from "./format";

/** What a group says: it is on one side only, it failed on one side only, it took longer, or nothing much. */
export type Verdict = "added" | "removed" | "failed" | "slower" | "faster" | "same";

/** Differences below this share of the longer trace are noise. */
const NOISE = 0.01;

export interface Row {
  /** In the answer's `groups`. */
  index: number;
  group: ComparedGroup;
  verdict: Verdict;
  /** Of the sums, right minus left. */
  delta_ns: number;
  self_delta_ns: number;
}

export function compareRows(found: Comparison): Row[] {
  const noise = Math.max(found.left.duration_ns, found.right.duration_ns) * NOISE;
  return found.groups.map((group, index) => {
    const delta = (group.right?.duration_ns ?? 0) - (group.left?.duration_ns ?? 0);
    const self = (group.right?.self_time_ns ?? 0) - (group.left?.self_time_ns ?? 0);
    return { index, group, verdict: verdictOf(group, delta, noise), delta_ns: delta, self_delta_ns: self };
  });
}

function verdictOf({ left, right }: ComparedGroup, delta: number, noise: number): Verdict {
  if (!left) return "added";
  if (!right) return "removed";
  if (left.error_count > 0 !== right.error_count > 0) return "failed";
  if (Math.abs(delta) > noise) return delta > 0 ? "slower" : "faster";
  return "same";
}

/** A group whose number of spans differs says something too, however short they are. */
const differs = (row: Row): boolean => row.verdict !== "same" || row.group.left?.span_count !== row.group.right?.span_count;

/** Rows that differ, and those above them, so that the tree stays one. Callers stand before those they call. */
export function onlyDifferences(rows: readonly Row[]): Row[] {
  const keep = new Set<number>();
  for (const row of rows) {
    if (!differs(row)) continue;
    for (let at: number | null = row.index; at !== null && !keep.has(at); at = rows[at]?.group.parent_index ?? null) keep.add(at);
  }
  return rows.filter((row) => keep.has(row.index));
}

/** The largest differences in their own time first: where the time went, not through whom it went. */
export function byDifference(rows: readonly Row[]): Row[] {
  return rows.filter(differs).sort((a, b) => Math.abs(b.self_delta_ns) - Math.abs(a.self_delta_ns) || a.index - b.index);
}

/** The time that both traces are drawn over, from when their roots began. */
export interface Axis {
  from: number;
  to: number;
  /** When the root of each side began, from the start of its trace. */
  zeros: [number, number];
}

/** From the first start to the last end of either side. */
export function axisOf({ groups }: Pick<Comparison, "groups">): Axis {
  const rootOf = (side: "left" | "right"): number => groups.find((group) => group.parent_index === null && group[side])?.[side]?.start_offset_ns ?? 0;
  const zeros: [number, number] = [rootOf("left"), rootOf("right")];
  let [from, to] = [0, 1];
  for (const group of groups) {
    for (const [side, zero] of [[group.left, zeros[0]], [group.right, zeros[1]]] as const) {
      for (const part of side?.parts ?? []) {
        from = Math.min(from, part.from_offset_ns - zero);
        to = Math.max(to, part.to_offset_ns - zero);
      }
    }
  }
  return { from, to, zeros };
}

/** A bar on an axis, in percent of its width. */
export interface Bar {
  left: number;
  width: number;
}

/** What is shorter could not be seen. */
const LEAST_WIDTH = 0.6;

export function barsOf(side: ComparedSpans | null, axis: Axis, at: 0 | 1): Bar[] {
  const percent = (ns: number): number => (ns / (axis.to - axis.from)) * 100;
  return (side?.parts ?? []).map((part) => {
    const width = Math.max(LEAST_WIDTH, percent(part.to_offset_ns - part.from_offset_ns));
    return { left: Math.min(100 - width, percent(part.from_offset_ns - axis.zeros[at] - axis.from)), width: Math.min(100, width) };
  });
}

/** What the sides are called: in heads, and in the middle of a sentence. */
export interface Names {
  heads: [string, string];
  words: [string, string];
}

export function sideNames({ left, right }: Pick<Comparison, "left" | "right">): Names {
  if (left.median) return { heads: ["Median", "Trace"], words: ["the median", "the trace"] };
  if (right.median) return { heads: ["Trace", "Median"], words: ["the trace", "the median"] };
  return { heads: ["A", "B"], words: ["A", "B"] };
}


/** `3.0× as long`, `half as long`… what the first look should say. */
export function verdictText(left_ns: number, right_ns: number): string {
  if (left_ns <= 0 || right_ns <= 0) return "";
  const ratio = right_ns / left_ns;
  if (ratio > 0.97 && ratio < 1.03) return "about as long as";
  return ratio >= 1 ? `${ratio < 10 ? fixed(ratio, 1) : Math.round(ratio)}× as long as` : `${Math.round((1 - ratio) * 100)} % shorter than`;
}
