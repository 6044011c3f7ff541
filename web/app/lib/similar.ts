import type { TimelineSpan } from "../api/types";

/** Siblings that do the same: one row until somebody opens it. */
export interface SimilarGroup {
  parent: number | null;
  service_name: string;
  name: string;
  kind: string;
  /** Indexes of its spans, in order. */
  members: number[];
  depth: number;
  /** Nanoseconds from the trace's start: the earliest start, the latest end. */
  start_ns: number;
  end_ns: number;
  total_ns: number;
  min_ns: number;
  median_ns: number;
  max_ns: number;
  errors: number;
  /** Spans below the members. */
  below: number;
}

export interface Grouping {
  groups: SimilarGroup[];
  /** The group of each span that is in one. */
  groupOf: ReadonlyMap<number, number>;
}

type Shaped = Pick<TimelineSpan, "parent_index" | "depth" | "service_name" | "name" | "kind" | "child_count" | "descendant_count" | "start_offset_ns" | "duration_ns" | "status_code">;

export const UNGROUPED: Grouping = { groups: [], groupOf: new Map() };

/** So many leaves are one row; of spans with something below them it takes more, as more is hidden. */
const MIN_LEAVES = 4;
const MIN_TREES = 10;

/** Spans with the same parent, service, name and kind, wherever they stand among their siblings. */
export function similarSiblings(spans: readonly Shaped[]): Grouping {
  const alike = new Map<string, number[]>();
  spans.forEach((span, index) => {
    const key = `${span.parent_index ?? ""}\n${span.kind}\n${span.service_name}\n${span.name}`;
    const list = alike.get(key);
    if (list) list.push(index);
    else alike.set(key, [index]);
  });
  const groups: SimilarGroup[] = [];
  const groupOf = new Map<number, number>();
  for (const members of alike.values()) {
    if (members.length < MIN_LEAVES) continue;
    const leaves = members.every((index) => spans[index]?.child_count === 0);
    if (!leaves && members.length < MIN_TREES) continue;
    for (const index of members) groupOf.set(index, groups.length);
    groups.push(summed(spans, members));
  }
  return { groups, groupOf };
}

function summed(spans: readonly Shaped[], members: number[]): SimilarGroup {
  const own = members.flatMap((index) => spans[index] ?? []);
  const durations = own.map((span) => span.duration_ns).sort((a, b) => a - b);
  const first = own[0];
  return {
    parent: first?.parent_index ?? null,
    service_name: first?.service_name ?? "",
    name: first?.name ?? "",
    kind: first?.kind ?? "",
    members,
    depth: first?.depth ?? 0,
    start_ns: own.reduce((least, span) => Math.min(least, span.start_offset_ns), Number.POSITIVE_INFINITY),
    end_ns: own.reduce((most, span) => Math.max(most, span.start_offset_ns + span.duration_ns), Number.NEGATIVE_INFINITY),
    total_ns: durations.reduce((sum, value) => sum + value, 0),
    min_ns: durations[0] ?? 0,
    median_ns: durations[Math.max(0, Math.ceil(durations.length / 2) - 1)] ?? 0,
    max_ns: durations.at(-1) ?? 0,
    errors: own.filter((span) => span.status_code === "ERROR").length,
    below: own.reduce((sum, span) => sum + span.descendant_count, 0),
  };
}

type Foldable = Pick<TimelineSpan, "descendant_count">;

/**
 * The rows to show, depth first: indexes of spans, and after them `spans.length + n` for group `n`. A group stands
 * where its first span would; its spans follow it once it is in `open`. Nothing below what is `collapsed` is shown.
 */
export function groupedRows(spans: readonly Foldable[], collapsed: ReadonlySet<number>, { groups, groupOf }: Grouping, open: ReadonlySet<number>): number[] {
  const rows: number[] = [];
  // Ranges still to be walked, the next one on top: traces can be deeper than the engine's stack.
  const todo: { from: number; to: number; inside: number }[] = [{ from: 0, to: spans.length, inside: -1 }];
  for (let range = todo.pop(); range; range = todo.pop()) {
    let { from } = range;
    while (from < range.to) {
      const below = spans[from]?.descendant_count ?? 0;
      const own = groupOf.get(from);
      const group = own === undefined || own === range.inside ? undefined : groups[own];
      if (own !== undefined && group) {
        const next = from + 1 + below;
        if (group.members[0] === from) {
          rows.push(spans.length + own);
          if (open.has(own)) {
            todo.push({ ...range, from: next });
            for (const index of [...group.members].reverse()) todo.push({ from: index, to: index + 1 + (spans[index]?.descendant_count ?? 0), inside: own });
            break;
          }
        }
        from = next;
        continue;
      }
      rows.push(from);
      from += 1 + (collapsed.has(from) ? below : 0);
    }
  }
  return rows;
}

/** The rows of spans in `kept`, and of groups that hold one of them. */
export function keptRows(rows: readonly number[], spanCount: number, { groups }: Grouping, kept: ReadonlySet<number>): number[] {
  return rows.filter((row) => kept.has(row) || (groups[row - spanCount]?.members.some((member) => kept.has(member)) ?? false));
}

/** Without the groups of which not all spans are in `kept`: one row for all would hide which of them are. Numbers of groups stay. */
export function undivided({ groups, groupOf }: Grouping, kept: ReadonlySet<number>): Grouping {
  const isWhole = groups.map(({ members }) => members.every((member) => kept.has(member)));
  return { groups, groupOf: new Map([...groupOf].filter(([, group]) => isWhole[group])) };
}

/** How many groups each span stands in, itself and its ancestors: its rows are that much farther to the right. */
export function groupDepths(spans: readonly Pick<TimelineSpan, "parent_index">[], groupOf: ReadonlyMap<number, number>): (index: number) => number {
  if (groupOf.size === 0) return () => 0;
  const depths = new Uint16Array(spans.length);
  spans.forEach((span, index) => {
    depths[index] = (span.parent_index === null ? 0 : (depths[span.parent_index] ?? 0)) + (groupOf.has(index) ? 1 : 0);
  });
  return (index) => depths[index] ?? 0;
}
