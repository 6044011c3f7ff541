import { expect, test } from "vitest";
import { nameOf, NO_TOGGLES, placeOf, placesOf, readToggles, toggled, writeToggles } from "./toggles";

const SPANS = ["aa", "bb", "aa", "cc"].map((span_id) => ({ span_id }));

test("a span is named by its id, and found by that; of two with the same id each has a name", () => {
  const places = placesOf(SPANS);
  const names = SPANS.map((_, index) => nameOf(SPANS, places, index));
  expect(names).toEqual(["aa.0", "bb", "aa", "cc"]);
  expect(names.map((name) => placeOf(SPANS, places, name))).toEqual([0, 1, 2, 3]);
  expect(placeOf(SPANS, places, "zz")).toBe(-1);
  // Late spans have come in between: the place is that of another, the id still that of one of them.
  expect(placeOf(SPANS, places, "aa.1")).toBe(2);
});

test("what was toggled twice is as it was, and an address keeps the latest sixty", () => {
  const once = toggled(NO_TOGGLES, ["aa", "similar:bb"]);
  expect(writeToggles(once)).toBe("aa,similar:bb");
  expect(readToggles(writeToggles(once))).toEqual(once);
  expect(writeToggles(toggled(once, ["aa", "similar:bb"]))).toBeNull();
  expect(readToggles(null)).toEqual(NO_TOGGLES);
  const many = toggled(NO_TOGGLES, Array.from({ length: 100 }, (_, at) => `s${at}`));
  expect([...readToggles(writeToggles(many))].length).toBe(60);
  expect(readToggles(writeToggles(many)).has("s99")).toBe(true);
});
