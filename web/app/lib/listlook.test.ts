import { expect, test } from "vitest";
import { movedColumn, readLook } from "./listlook";

test("what a browser kept is taken as far as it makes sense", () => {
  const plain = { widths: {}, pinned: [], density: "compact" };
  expect(readLook(null)).toEqual(plain);
  expect(readLook("[")).toEqual(plain);
  expect(readLook("null")).toEqual(plain);
  expect(readLook(JSON.stringify({ widths: { a: 20, b: "wide", c: 9000 }, pinned: ["a", 7], density: "comfortable" }))).toEqual({ widths: { a: 20 }, pinned: ["a"], density: "comfortable" });
});

test("a column is put before another, or at the end", () => {
  expect(movedColumn(["a", "b", "c"], "c", "a")).toEqual(["c", "a", "b"]);
  expect(movedColumn(["a", "b", "c"], "a", "c")).toEqual(["b", "a", "c"]);
  expect(movedColumn(["a", "b", "c"], "a", null)).toEqual(["b", "c", "a"]);
  expect(movedColumn(["a", "b"], "a", "a")).toEqual(["a", "b"]);
  expect(movedColumn(["a", "b"], "x", "a")).toEqual(["a", "b"]);
});
