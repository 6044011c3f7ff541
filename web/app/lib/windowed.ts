import type { TraceWindow, WindowRow } from "../api/windows";

/** Rows that are not here, between two that are, or at the end of what is below a span. */
export interface Gap {
  /** The span below which they are, by its index; null at the top. */
  under: number | null;
  /** They come after this index, … */
  after: number;
  /** … and before this one; null: to the end of what is below `under`. */
  until: number | null;
  /** The deepest level that they have. */
  deepest: number;
}

/** The part of a large trace that is in the page: rows in the order of the tree, and where others are missing. */
export interface Loaded {
  rows: readonly WindowRow[];
  gaps: readonly Gap[];
  /** Spans whose children were asked for: without any here, none is in the window. */
  asked: ReadonlySet<number>;
}

/** Whether similar spans of one parent are one row. */
export type Similar = "together" | "apart";

/** What the address says of that. */
export const similarOf = (params: URLSearchParams): Similar => (params.get("similar") === "0" ? "apart" : "together");

export type Item = { kind: "row"; row: WindowRow; open: boolean } | { kind: "gap"; gap: Gap; depth: number };

/** The last index at or below a span; others stand between the spans of a group, and what is below them is not shown. */
export const endOf = (row: WindowRow): number => (row.similar ? row.span_index : row.span_index + row.descendant_count);

const top = (page: TraceWindow, under: WindowRow | null): number => (under?.depth ?? 0) + page.window.depth - 1;

/** The first answer about a window of time. */
export function firstWindow(page: TraceWindow): Loaded {
  const gaps = page.next_after === null ? [] : [{ under: null, after: page.next_after, until: null, deepest: top(page, null) }];
  return { rows: page.rows, gaps, asked: new Set() };
}

/** The place of a span among the rows, or -1. */
export function placeOf(rows: readonly WindowRow[], index: number): number {
  const place = placeAfter(rows, index - 1);
  return rows[place]?.span_index === index ? place : -1;
}

/** The place of the first row with a higher index. */
function placeAfter(rows: readonly WindowRow[], index: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((rows[middle]?.span_index ?? 0) > index) high = middle;
    else low = middle + 1;
  }
  return low;
}

export const rowOf = (rows: readonly WindowRow[], index: number | null): WindowRow | null => (index === null ? null : (rows[placeOf(rows, index)] ?? null));

function merged(rows: readonly WindowRow[], more: readonly WindowRow[]): WindowRow[] {
  const all = new Map([...rows, ...more].map((row) => [row.span_index, row] as const));
  return [...all.values()].sort((a, b) => a.span_index - b.span_index);
}

/** With what is directly below a span, which was asked for without `after`. */
export function withChildren(loaded: Loaded, under: WindowRow, page: TraceWindow): Loaded {
  const gaps = loaded.gaps.filter((gap) => gap.under !== under.span_index);
  if (page.next_after !== null) gaps.push({ under: under.span_index, after: page.next_after, until: null, deepest: top(page, under) });
  return { rows: merged(loaded.rows, page.rows), gaps, asked: new Set([...loaded.asked, under.span_index]) };
}

/** Without anything below a span; of what is at the top nothing is left. */
export function withoutBelow(loaded: Loaded, under: WindowRow | null): Loaded {
  if (!under) return { rows: [], gaps: [], asked: new Set() };
  const isBelow = (index: number | null): boolean => index !== null && index > under.span_index && index <= endOf(under);
  return {
    rows: loaded.rows.filter((row) => !isBelow(row.span_index)),
    gaps: loaded.gaps.filter((gap) => gap.under !== under.span_index && !isBelow(gap.under)),
    asked: new Set([...loaded.asked].filter((index) => !isBelow(index))),
  };
}

/** With a page of what was missing in a gap. */
export function withPage(loaded: Loaded, gap: Gap, page: TraceWindow): Loaded {
  const { until } = gap;
  const inGap = page.rows.filter((row) => row.span_index > gap.after && (until === null || row.span_index < until));
  const gaps = loaded.gaps.filter((other) => !sameGap(other, gap));
  const next = page.next_after;
  if (next !== null && (until === null || next < until - 1)) gaps.push({ ...gap, after: next, deepest: top(page, rowOf(loaded.rows, gap.under)) });
  return { ...loaded, rows: merged(loaded.rows, inGap), gaps };
}

export const sameGap = (a: Gap, b: Gap): boolean => a.under === b.under && a.after === b.after && a.until === b.until;

/** With one span and all above it, from the top; what is beside them is left as gaps. */
export function withChain(loaded: Loaded, chain: readonly WindowRow[], spanCount: number): Loaded {
  let { rows, gaps } = loaded;
  chain.forEach((row, at) => {
    if (placeOf(rows, row.span_index) !== -1) return;
    const parent = chain[at - 1] ?? null;
    const last = (gap: Gap): number => gap.until ?? (gap.under === null ? spanCount : endOf(rowOf(rows, gap.under) ?? row) + 1);
    const around = gaps.filter((gap) => row.span_index > gap.after && row.span_index < last(gap) && row.depth <= gap.deepest).sort((a, b) => b.after - a.after)[0];
    const sides = around ?? (parent && !hasBelow(rows, parent) ? { under: parent.span_index, after: parent.span_index, until: null, deepest: row.depth } : null);
    if (sides) {
      const before = { ...sides, until: row.span_index };
      const after = { ...sides, after: endOf(row) };
      gaps = [...gaps.filter((gap) => gap !== around), ...(before.after < row.span_index - 1 ? [before] : []), ...(after.after < last(sides) - 1 ? [after] : [])];
    }
    rows = merged(rows, [row]);
  });
  return { ...loaded, rows, gaps };
}

function hasBelow(rows: readonly WindowRow[], row: WindowRow): boolean {
  const next = rows[placeAfter(rows, row.span_index)];
  return next !== undefined && next.span_index <= endOf(row);
}

/** Whether what is below a span was asked for, and so is here or known to be missing. */
export const isLoadedBelow = ({ rows, gaps, asked }: Loaded, row: WindowRow): boolean => hasBelow(rows, row) || asked.has(row.span_index) || gaps.some((gap) => gap.under === row.span_index);

/** The spans above a row, from the top, as far as they are here. */
function above(rows: readonly WindowRow[], row: WindowRow | undefined): WindowRow[] {
  const found: WindowRow[] = [];
  for (let parent = rowOf(rows, row?.parent_index ?? null); parent; parent = rowOf(rows, parent.parent_index)) found.unshift(parent);
  return found;
}

/** At most `most` rows (and those above them) around one of them; what is put away becomes gaps, to be asked for again. */
export function trimmed(loaded: Loaded, around: number, most: number): Loaded {
  const { rows } = loaded;
  if (rows.length <= most) return loaded;
  const from = Math.min(rows.length - most, Math.max(0, placeAfter(rows, around - 1) - Math.floor(most / 2)));
  const slice = rows.slice(from, from + most);
  const first = slice[0];
  const last = slice.at(-1);
  if (!first || !last) return loaded;
  const head = above(rows, first);
  const kept = [...head, ...slice];
  const has = new Set(kept.map((row) => row.span_index));
  const isMissing = (low: number, high: number): boolean =>
    rows.some((row) => row.span_index > low && row.span_index < high && !has.has(row.span_index)) || loaded.gaps.some((gap) => gap.after >= low && gap.after < high);
  const gaps: Gap[] = [];
  [...head, first].forEach((row, at) => {
    const parent = head[at - 1];
    const start = parent?.span_index ?? -1;
    if (isMissing(start, row.span_index)) gaps.push({ under: parent?.span_index ?? null, after: start, until: row.span_index, deepest: row.depth });
  });
  const tail = [...above(rows, last), last];
  tail.forEach((row, at) => {
    const parent = tail[at - 1];
    const end = parent ? endOf(parent) + 1 : Number.POSITIVE_INFINITY;
    if (isMissing(endOf(row), end)) gaps.push({ under: parent?.span_index ?? null, after: endOf(row), until: null, deepest: row.depth });
  });
  const ends = new Set([null, ...tail.map((row) => row.span_index)]);
  const inside = loaded.gaps.filter((gap) => (gap.until === null ? !ends.has(gap.under) && has.has(gap.under ?? -1) && gap.after >= first.span_index : has.has(gap.until) && gap.after >= first.span_index));
  return { rows: kept, gaps: [...gaps, ...inside.filter((gap) => !gaps.some((other) => sameGap(gap, other)))], asked: new Set([...loaded.asked].filter((index) => has.has(index) && index !== last.span_index)) };
}

/** The rows that are shown, with the gaps between them. Nothing below what is `closed` is. */
export function itemsOf({ rows, gaps, asked }: Loaded, closed: ReadonlySet<number>): Item[] {
  const ordered = [...gaps].map((gap) => ({ gap, under: rowOf(rows, gap.under), at: placeOfGap(rows, gap) })).sort((a, b) => a.at - b.at || (b.gap.under ?? -1) - (a.gap.under ?? -1));
  const unders = new Set(gaps.map((gap) => gap.under));
  const items: Item[] = [];
  let next = 0;
  let hiddenTo = -1;
  let hiddenBy = -1;
  const emit = (before: number): void => {
    for (let entry = ordered[next]; entry && entry.at < before; entry = ordered[(next += 1)]) {
      const { under } = entry.gap;
      if (under === null || under < hiddenBy || under > hiddenTo) items.push({ kind: "gap", gap: entry.gap, depth: entry.under ? entry.under.depth + 1 : 0 });
    }
  };
  rows.forEach((row, at) => {
    emit(row.span_index);
    if (row.span_index <= hiddenTo) return;
    const following = rows[at + 1];
    const below = (following !== undefined && following.span_index <= endOf(row)) || unders.has(row.span_index) || asked.has(row.span_index);
    const isClosed = closed.has(row.span_index);
    items.push({ kind: "row", row, open: !row.similar && row.child_count > 0 && below && !isClosed });
    if (isClosed) {
      hiddenBy = row.span_index;
      hiddenTo = endOf(row);
    }
  });
  emit(Number.POSITIVE_INFINITY);
  return items;
}

/** A gap stands before the first row with a higher index than this. */
function placeOfGap(rows: readonly WindowRow[], gap: Gap): number {
  if (gap.until !== null) return gap.until - 1;
  const row = rowOf(rows, gap.after);
  return row ? endOf(row) : gap.after;
}
