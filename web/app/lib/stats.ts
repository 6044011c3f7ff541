import type { Json, TimelineSpan } from "../api/types";

export interface StatRow {
  name: string;
  /** The service of all of them, if it is one: for its colour. */
  service: string | null;
  count: number;
  errors: number;
  total_ns: number;
  self_ns: number;
  critical_ns: number;
  p50_ns: number;
  p95_ns: number;
  max_ns: number;
}

/** `service`, `operation`, `kind`, or the name of an attribute. */
export type Grouping = string;

/** The spans of a trace in groups. Percentiles by nearest rank. */
export function statistics(spans: readonly TimelineSpan[], by: Grouping, critical: ReadonlyMap<number, number>): StatRow[] {
  const groups = new Map<string, { row: StatRow; durations: number[] }>();
  spans.forEach((span, index) => {
    const name = groupOf(span, by);
    let group = groups.get(name);
    if (!group) {
      group = { row: { name, service: span.service_name, count: 0, errors: 0, total_ns: 0, self_ns: 0, critical_ns: 0, p50_ns: 0, p95_ns: 0, max_ns: 0 }, durations: [] };
      groups.set(name, group);
    }
    const { row } = group;
    row.count += 1;
    if (span.status_code === "ERROR") row.errors += 1;
    row.total_ns += span.duration_ns;
    row.self_ns += span.self_time_ns;
    row.critical_ns += critical.get(index) ?? 0;
    if (row.service !== span.service_name) row.service = null;
    group.durations.push(span.duration_ns);
  });
  return [...groups.values()].map(({ row, durations }) => {
    durations.sort((a, b) => a - b);
    return { ...row, p50_ns: rank(durations, 0.5), p95_ns: rank(durations, 0.95), max_ns: durations.at(-1) ?? 0 };
  });
}

const rank = (sorted: readonly number[], share: number): number => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;

function groupOf(span: TimelineSpan, by: Grouping): string {
  if (by === "service") return span.service_name;
  if (by === "operation") return `${span.service_name} · ${span.name}`;
  if (by === "kind") return span.kind.toLowerCase();
  return textOf(span.attributes[by] ?? span.resource[by]);
}

const textOf = (value: Json | undefined): string => (value === undefined ? "(none)" : typeof value === "string" ? value : JSON.stringify(value));

/** Attributes that the spans have, the most common first: what the table may be grouped by. */
export function attributeNames(spans: readonly TimelineSpan[], most: number): string[] {
  const counts = new Map<string, number>();
  for (const span of spans) {
    for (const key of Object.keys(span.attributes)) counts.set(key, (counts.get(key) ?? 0) + 1);
    for (const key of Object.keys(span.resource)) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, most).map(([key]) => key);
}
