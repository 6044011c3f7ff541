import { describe, expect, it } from "vitest";
import { spanOf } from "../testing/spans";
import { groupDepths, groupedRows, keptRows, similarSiblings, undivided, UNGROUPED } from "./similar";

const root = spanOf({ child_count: 6, descendant_count: 6, duration_ns: 1000 });
const child = (name: string, start: number, duration: number, status = "UNSET") =>
  spanOf({ parent_index: 0, depth: 1, name, service_name: "db", kind: "CLIENT", start_offset_ns: start, duration_ns: duration, status_code: status });
const spans = [root, child("SELECT", 0, 10), child("UPDATE", 10, 5), child("SELECT", 20, 30), child("SELECT", 60, 20, "ERROR"), child("SELECT", 90, 40), child("COMMIT", 200, 1)];
const NONE: ReadonlySet<number> = new Set();

describe("similar siblings", () => {
  const grouping = similarSiblings(spans);

  it("are one group with its figures, though others stand between them", () => {
    expect(grouping.groups).toHaveLength(1);
    expect(grouping.groups[0]).toMatchObject({ members: [1, 3, 4, 5], total_ns: 100, min_ns: 10, median_ns: 20, max_ns: 40, errors: 1, start_ns: 0, end_ns: 130, depth: 1, parent: 0 });
  });

  it("are one row at the place of the first, and rows of their own once open", () => {
    const group = spans.length;
    expect(groupedRows(spans, NONE, grouping, NONE)).toEqual([0, group, 2, 6]);
    expect(groupedRows(spans, NONE, grouping, new Set([0]))).toEqual([0, group, 1, 3, 4, 5, 2, 6]);
    expect(groupedRows(spans, new Set([0]), grouping, NONE)).toEqual([0]);
    expect(groupedRows(spans, NONE, UNGROUPED, NONE)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it("stand one step to the right of the others", () => {
    const depth = groupDepths(spans, grouping.groupOf);
    expect([0, 1, 2, 3].map(depth)).toEqual([0, 1, 0, 1]);
  });

  it("are rows of their own where only some of them are looked for", () => {
    const group = spans.length;
    const rows = (kept: number[]): number[] => {
      const wanted = new Set(kept);
      const left = undivided(grouping, wanted);
      return keptRows(groupedRows(spans, NONE, left, NONE), spans.length, left, wanted);
    };
    expect(rows([0, 4])).toEqual([0, 4]);
    expect(rows([0, 1, 3, 4, 5])).toEqual([0, group]);
    expect(rows([0, 2])).toEqual([0, 2]);
  });

  it("of few, or with another parent, are none", () => {
    expect(similarSiblings(spans.slice(0, 5)).groups).toEqual([]);
    const apart = spans.map((span, index) => (index === 5 ? { ...span, parent_index: 2 } : span));
    expect(similarSiblings(apart).groups).toEqual([]);
  });

  it("with spans below them take more to be one row, and open with what is below", () => {
    const trees = [spanOf({ child_count: 10, descendant_count: 20 })];
    for (let at = 0; at < 10; at += 1) {
      const index = trees.length;
      trees.push(spanOf({ parent_index: 0, depth: 1, name: "call", child_count: 1, descendant_count: 1 }), spanOf({ parent_index: index, depth: 2, name: `work ${at}` }));
    }
    const found = similarSiblings(trees);
    expect(found.groups[0]).toMatchObject({ below: 10 });
    expect(groupedRows(trees, NONE, found, NONE)).toEqual([0, trees.length]);
    expect(groupedRows(trees, NONE, found, new Set([0]))).toHaveLength(22);
    expect(groupedRows(trees, new Set([3]), found, new Set([0]))).toHaveLength(21);
    expect(similarSiblings(trees.slice(0, 19)).groups).toEqual([]);
  });
});
