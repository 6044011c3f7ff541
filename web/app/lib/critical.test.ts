import { describe, expect, it } from "vitest";
import { criticalPath, criticalTimes } from "./critical";

const span = (depth: number, start: number, end: number, below = 0) => ({ depth, start_offset_ns: start, duration_ns: end - start, descendant_count: below });
const parts = (spans: ReturnType<typeof span>[]): [number, number, number][] => criticalPath(spans).map(({ index, from, to }) => [index, from, to]);

describe("the critical path", () => {
  it("goes through children one after the other, and the gaps between them", () => {
    expect(parts([span(0, 0, 100, 2), span(1, 10, 30), span(1, 40, 90)])).toEqual([
      [0, 0, 10],
      [1, 10, 30],
      [0, 30, 40],
      [2, 40, 90],
      [0, 90, 100],
    ]);
  });

  it("takes of children side by side the one that ended last", () => {
    expect(parts([span(0, 0, 100, 2), span(1, 10, 80), span(1, 20, 95)])).toEqual([
      [0, 0, 20],
      [2, 20, 95],
      [0, 95, 100],
    ]);
  });

  it("goes down to grandchildren and cuts what outlives its parent", () => {
    expect(parts([span(0, 0, 100, 2), span(1, 10, 60, 1), span(2, 20, 300)])).toEqual([
      [0, 0, 10],
      [1, 10, 20],
      [2, 20, 60],
      [0, 60, 100],
    ]);
  });

  it("adds up to the duration of the longest root, whatever the shape", () => {
    let seed = 7;
    const random = (): number => (seed = (seed * 48271) % 2147483647) / 2147483647;
    for (let round = 0; round < 50; round += 1) {
      const grow = (depth: number, from: number, to: number): ReturnType<typeof span>[] => {
        const children = depth < 4 ? Array.from({ length: Math.floor(random() * 4) }, () => grow(depth + 1, from + random() * (to - from), to + random() * 50 - 25)) : [];
        const below = children.flat();
        return [span(depth, Math.floor(from), Math.max(Math.floor(from), Math.floor(to)), below.length), ...below];
      };
      const spans = grow(0, 0, 1000);
      const found = criticalPath(spans);
      expect(found.reduce((sum, part) => sum + part.to - part.from, 0)).toBe(1000);
      found.slice(1).forEach((part, at) => expect(part.from).toBe(found[at]?.to));
    }
  });

  it("of a chain of 20 000 spans does not overflow the stack", () => {
    const deep = Array.from({ length: 20_000 }, (_, depth) => span(depth, depth, 40_000 - depth, 19_999 - depth));
    expect(criticalTimes(criticalPath(deep)).size).toBe(20_000);
  });

  it("of nothing is nothing", () => expect(criticalPath([])).toEqual([]));
});
