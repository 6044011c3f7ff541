import { expect, it } from "vitest";
import type { TimelineSpan } from "../api/types";
import { spanOf } from "../testing/spans";
import { kinOf, placeOfSpan, refOf } from "./kin";

/** root > caller > (here > (a > deep, b), sibling) */
const SPANS: TimelineSpan[] = [
  spanOf({ span_id: "r", depth: 0, descendant_count: 6 }),
  spanOf({ span_id: "c", depth: 1, parent_index: 0, descendant_count: 5 }),
  spanOf({ span_id: "h", depth: 2, parent_index: 1, descendant_count: 3 }),
  spanOf({ span_id: "a", depth: 3, parent_index: 2, descendant_count: 1, status_code: "ERROR" }),
  spanOf({ span_id: "d", depth: 4, parent_index: 3 }),
  spanOf({ span_id: "c", depth: 3, parent_index: 2 }),
  spanOf({ span_id: "s", depth: 2, parent_index: 1 }),
];

it("the kin of a span are its callers from the root, itself and what it calls", () => {
  const { rows, moreAbove, moreBelow } = kinOf(SPANS, 2);
  expect(rows.map((row) => [row.ref, row.depth, row.isHere, row.isError])).toEqual([["r", 0, false, false], ["c.1", 1, false, false], ["h", 2, true, false], ["a", 3, false, true], ["c.5", 3, false, false]]);
  expect([moreAbove, moreBelow]).toEqual([0, 0]);
});

it("of a deep chain the nearest callers are shown, and of many calls the first", () => {
  const chain = Array.from({ length: 100 }, (_, at) => spanOf({ span_id: `s${at}`, depth: at, parent_index: at === 0 ? null : at - 1, descendant_count: 400 - at }));
  const calls = Array.from({ length: 301 }, (_, at) => spanOf({ span_id: `k${at}`, depth: 100, parent_index: 99 }));
  const kin = kinOf([...chain, ...calls], 99);
  expect([kin.moreAbove, kin.moreBelow, kin.rows.length]).toEqual([49, 101, 251]);
  expect(kin.rows[0]).toMatchObject({ ref: "s49", depth: 0 });
});

it("a span is found by its id, or by its place where two share that", () => {
  expect(placeOfSpan(SPANS, "h")).toBe(2);
  expect(placeOfSpan(SPANS, "c.5")).toBe(5);
  expect(placeOfSpan(SPANS, "c.4")).toBe(1);
  expect(placeOfSpan(SPANS, "x")).toBe(-1);
  for (const place of SPANS.keys()) expect(placeOfSpan(SPANS, refOf(SPANS, place))).toBe(place);
});
