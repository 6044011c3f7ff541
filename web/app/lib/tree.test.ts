import { describe, expect, it } from "vitest";
import type { TimelineSpan } from "../api/types";
import { ancestors, foldedBy, readFold, rulerTicks, selfSegments } from "./tree";

interface Short {
  parent: number | null;
  start?: number;
  length?: number;
  below: number;
  children: number;
  depth: number;
}

const span = (short: Short): TimelineSpan =>
  ({
    parent_index: short.parent,
    start_offset_ns: short.start ?? 0,
    duration_ns: short.length ?? 0,
    descendant_count: short.below,
    child_count: short.children,
    depth: short.depth,
  }) as TimelineSpan;

// 0 ─ 1 ─ 2
//   └ 3
// 4
const TREE = [
  span({ parent: null, below: 3, children: 2, depth: 0, start: 0, length: 100 }),
  span({ parent: 0, below: 1, children: 1, depth: 1, start: 10, length: 30 }),
  span({ parent: 1, below: 0, children: 0, depth: 2, start: 15, length: 5 }),
  span({ parent: 0, below: 0, children: 0, depth: 1, start: 30, length: 90 }),
  span({ parent: null, below: 0, children: 0, depth: 0, start: 0, length: 10 }),
];

describe("rows of the tree", () => {
  it("are closed by rules: all but the roots, below a level, where no error or critical span lies", () => {
    const closed = (fold: Parameters<typeof foldedBy>[0], critical: number[] = []): number[] => [...foldedBy(fold, TREE, new Set(critical))];
    expect(closed("all")).toEqual([1]);
    expect(closed("level2")).toEqual([]);
    expect(closed("level0")).toEqual([0, 1]);
    expect(closed("critical", [3])).toEqual([1]);
    expect(closed("critical", [2])).toEqual([]);
    expect(closed("critical", [])).toEqual([0, 1]);
    expect([...foldedBy("errors", TREE.map((each, index) => ({ ...each, error_below: index === 0 })), new Set())]).toEqual([1]);
    expect(["all", "level3", "levelx", null].map(readFold)).toEqual(["all", "level3", "none", "none"]);
  });

  it("know their ancestors, nearest first", () => {
    expect(ancestors(TREE, 2)).toEqual([1, 0]);
    expect(ancestors(TREE, 4)).toEqual([]);
  });
});

describe("a span's own time", () => {
  it("is what its children leave free, overlap counted once, late children cut", () => {
    expect(selfSegments(TREE, 0)).toEqual([{ start: 0, end: 10 }]);
    expect(selfSegments(TREE, 1)).toEqual([
      { start: 10, end: 15 },
      { start: 20, end: 40 },
    ]);
  });

  it("is all of it without children", () => {
    expect(selfSegments(TREE, 4)).toEqual([{ start: 0, end: 10 }]);
    expect(selfSegments(TREE, 99)).toEqual([]);
  });
});

describe("a ruler", () => {
  it("has round steps inside of the range", () => {
    expect(rulerTicks(0, 482e6, 5)).toEqual([0, 1e8, 2e8, 3e8, 4e8]);
    expect(rulerTicks(130, 170, 4)).toEqual([130, 140, 150, 160]);
    expect(rulerTicks(5, 5, 4)).toEqual([5]);
  });
});
