import type { TraceWindow, WindowRow } from "../api/windows";

/** A tree of spans, depth first, with so many children a level; what a server holds. */
export function tree(children: readonly number[]): WindowRow[] {
  const rows: WindowRow[] = [];
  const grow = (depth: number, parent: number | null, from: number, length: number): void => {
    const row: WindowRow = {
      span_index: rows.length, span_id: String(rows.length), parent_index: parent, depth, service_name: `s${depth}`, name: `n${rows.length}`, kind: "INTERNAL", start_offset_ns: from, duration_ns: length, self_time_ns: 0,
      critical_time_ns: 0, critical_parts: [], adjusted_start_offset_ns: from, similar: null,
      error: false, error_below: false, missing_parent: false, same_id_count: 0, child_count: children[depth] ?? 0, descendant_count: 0,
    };
    rows.push(row);
    const { child_count: count } = row;
    for (let child = 0; child < count; child += 1) grow(depth + 1, row.span_index, from + (child * length) / count, length / count);
    row.descendant_count = rows.length - 1 - row.span_index;
  };
  grow(0, null, 0, 1e9);
  return rows;
}

interface Asked {
  limit: number;
  under?: number | null;
  after?: number | null;
  from?: number;
  to?: number;
}

/** What the server answers about a window: as many whole levels as fit, of one level a page. */
export function windowOf(all: readonly WindowRow[], { limit, under = null, after = null, from = -Infinity, to = Infinity }: Asked): TraceWindow {
  const first = under ?? 0;
  const end = under === null ? all.length : under + 1 + (all[under]?.descendant_count ?? 0);
  const top = under === null ? 0 : (all[under]?.depth ?? 0);
  const inside = (row: WindowRow): boolean => row.start_offset_ns < to && row.start_offset_ns + row.duration_ns >= from;
  const reaching = all.slice(first, end).filter((row) => all.slice(row.span_index, row.span_index + 1 + row.descendant_count).some(inside));
  const levels: number[] = [];
  for (const row of reaching) levels[row.depth - top] = (levels[row.depth - top] ?? 0) + 1;
  let depth = 0;
  let sum = 0;
  for (const level of levels) {
    sum += level;
    if (depth > 0 && sum > limit) break;
    depth += 1;
  }
  if (depth === 1 && levels[0] === 1 && levels.length > 1) depth = 2;
  const shown = reaching.filter((row) => row.depth - top < depth && (after === null || row.span_index > after));
  const rows = shown.slice(0, limit);
  return {
    trace_id: "", start_time_unix_nano: "0", duration_ns: 1e9, span_count: all.length, error_count: 0, depth: levels.length,
    window: { span_count: reaching.length, error_count: 0, depth }, next_after: shown.length > limit ? (rows.at(-1)?.span_index ?? null) : null, rows, complete: true,
  };
}
