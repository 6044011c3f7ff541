import { describe, expect, it } from "vitest";
import { tree, windowOf } from "../testing/windows";
import { endOf, firstWindow, itemsOf, rowOf, trimmed, withChain, withChildren, withoutBelow, withPage, type Item, type Loaded } from "./windowed";

const LIMIT = 20;
const SPANS = tree([7, 9, 30]);
const OPEN: ReadonlySet<number> = new Set();
const indexes = (items: readonly Item[]): (number | string)[] => items.map((item) => (item.kind === "row" ? item.row.span_index : "gap"));
const first = (): Loaded => firstWindow(windowOf(SPANS, { limit: LIMIT }));

/** Asks for whatever is missing until nothing is, as somebody who scrolls and opens everything. */
function all(loaded: Loaded): Loaded {
  for (let turn = 0; turn < 1000; turn += 1) {
    const gap = itemsOf(loaded, OPEN).find((item) => item.kind === "gap");
    const shut = itemsOf(loaded, OPEN).find((item) => item.kind === "row" && item.row.child_count > 0 && !item.open);
    if (gap?.kind === "gap") loaded = withPage(loaded, gap.gap, windowOf(SPANS, { limit: LIMIT, under: gap.gap.under, after: gap.gap.after }));
    else if (shut?.kind === "row") loaded = withChildren(loaded, shut.row, windowOf(SPANS, { limit: LIMIT, under: shut.row.span_index }));
    else return loaded;
  }
  throw new Error("there is always something missing");
}

const chainTo = (index: number) => SPANS.filter((row) => row.span_index <= index && endOf(row) >= index);

describe("rows for similar spans", () => {
  const group = { span_count: 30, error_count: 0, longest_index: 3, duration_ns: 1, duration_min_ns: 1, duration_median_ns: 1, duration_max_ns: 1 };

  it("have nothing below them, though their spans have", () => {
    const [root, second] = SPANS;
    if (!root || !second) throw new Error("no rows");
    const row = { ...second, similar: group };
    expect(endOf(row)).toBe(row.span_index);
    const items = itemsOf({ rows: [root, row], gaps: [], asked: new Set() }, OPEN);
    expect(items.map((item) => item.kind === "row" && item.open)).toEqual([true, false]);
  });

  it("make room for what is below the span above, anew", () => {
    const parent = SPANS[1];
    if (!parent) throw new Error("no row");
    const loaded = all(first());
    const left = withoutBelow(loaded, parent);
    expect(left.rows.map((row) => row.span_index)).toEqual(SPANS.filter((row) => row.span_index <= 1 || row.span_index > endOf(parent)).map((row) => row.span_index));
    expect(indexes(itemsOf(all(withChildren(left, parent, windowOf(SPANS, { limit: LIMIT, under: 1 }))), OPEN))).toEqual(SPANS.map((row) => row.span_index));
    expect(withoutBelow(loaded, null).rows).toEqual([]);
  });
});

describe("windows of a large trace", () => {
  it("begin with the levels that fit", () => {
    expect(indexes(itemsOf(first(), OPEN))).toEqual(SPANS.filter((row) => row.depth < 2).map((row) => row.span_index));
  });

  it("come to the whole tree, each span once and in order", () => {
    expect(indexes(itemsOf(all(first()), OPEN))).toEqual(SPANS.map((row) => row.span_index));
  });

  it("have a gap where a level goes on", () => {
    const [child] = SPANS.filter((row) => row.depth === 2);
    if (!child) throw new Error("no child");
    let loaded = withChildren(first(), SPANS[1] ?? child, windowOf(SPANS, { limit: LIMIT, under: 1 }));
    loaded = withChildren(loaded, child, windowOf(SPANS, { limit: LIMIT, under: child.span_index }));
    const found = indexes(itemsOf(loaded, OPEN));
    expect(found.filter((item) => item === "gap")).toHaveLength(1);
    expect(found[found.indexOf("gap") + 1]).toBe(endOf(child) + 1);
    expect(indexes(itemsOf(loaded, new Set([child.span_index])))).not.toContain("gap");
    expect(indexes(itemsOf(loaded, new Set([1])))).toEqual(SPANS.filter((row) => row.depth < 2).map((row) => row.span_index));
  });

  it("show one span from afar with all above it, and the rest can still be had", () => {
    const wanted = SPANS.findLast((row) => row.depth === 3 && row.span_index % 7 === 3) ?? SPANS[0];
    if (!wanted) throw new Error("no span");
    const loaded = withChain(first(), chainTo(wanted.span_index), SPANS.length);
    expect(rowOf(loaded.rows, wanted.span_index)).toBe(wanted);
    expect(itemsOf(loaded, OPEN).filter((item) => item.kind === "gap").length).toBeGreaterThan(1);
    expect(indexes(itemsOf(all(loaded), OPEN))).toEqual(SPANS.map((row) => row.span_index));
  });

  it("show a span that stands in a gap, which is then two", () => {
    const wide = tree([100]);
    const loaded = firstWindow(windowOf(wide, { limit: LIMIT }));
    const chain = [wide[0], wide[60]].flatMap((row) => row ?? []);
    const found = indexes(itemsOf(withChain(loaded, chain, wide.length), OPEN));
    expect(found.slice(-3)).toEqual(["gap", 60, "gap"]);
    // The first page without its gap ends before it.
    expect(found.slice(0, -3)).toEqual(wide.slice(0, LIMIT).map((row) => row.span_index));
  });

  it("stay bounded: what is far away is put away and can be had again", () => {
    const whole = all(first());
    for (const around of [0, 500, 1234, SPANS.length - 1]) {
      const few = trimmed(whole, around, 100);
      expect(few.rows.length).toBeLessThan(110);
      expect(rowOf(few.rows, around)).not.toBeNull();
      expect(indexes(itemsOf(all(few), OPEN))).toEqual(SPANS.map((row) => row.span_index));
    }
  });

  it("say of a span without anything in the window that it is open", () => {
    const early = firstWindow(windowOf(SPANS, { limit: 5, from: 0, to: 10 }));
    const row = early.rows.find((each) => each.depth === 1);
    if (!row) throw new Error("no row");
    const loaded = withChildren(early, row, { ...windowOf(SPANS, { limit: 5, under: row.span_index, from: 0, to: 10 }), rows: [row], next_after: null });
    expect(itemsOf(loaded, OPEN).find((item) => item.kind === "row" && item.row === row)).toMatchObject({ open: true });
  });
});
