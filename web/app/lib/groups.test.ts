import { expect, test } from "vitest";
import { groupsOf, groupTsv } from "./groups";

const series = [
  { name: "(other)", counts: [90, 0] },
  { name: "b", counts: [1, 2] },
  { name: "(none)", counts: [5, 0] },
  { name: "gone", counts: [0, 0] },
  { name: "a", counts: [3, 0] },
];

test("the most frequent come first, and all others last", () => {
  expect(groupsOf({ series }).map(({ name, count, plain }) => [name, count, plain])).toEqual([["(none)", 5, false], ["a", 3, true], ["b", 3, true], ["(other)", 90, false]]);
});

test("a table for a spreadsheet has a row for each value, and no formulas", () => {
  const groups = groupsOf({ series: [{ name: "=1+1\tx", counts: [2] }] });
  expect(groupTsv("user.id", groups)).toBe("user.id\trecords\n'=1+1 x\t2");
});
