import { expect, test } from "vitest";
import { createKept } from "./kept";

test("the last four results are kept with their place, which more rows do not change", () => {
  const kept = createKept<string>();
  kept.keepScroll("a", 10);
  expect(kept.scroll("a")).toBe(0);
  kept.keep("a", "first page");
  kept.keepScroll("a", 120);
  kept.keep("a", "two pages");
  expect([kept.get("a"), kept.scroll("a")]).toEqual(["two pages", 120]);
  for (const key of ["b", "c", "d", "e"]) kept.keep(key, key);
  expect(["a", "b", "e"].map(kept.get)).toEqual([null, "b", "e"]);
});
