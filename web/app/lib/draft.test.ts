import { describe, expect, it } from "vitest";
import { placeIn } from "./draft";

describe("a place that the server names", () => {
  it("is counted in code points", () => {
    expect(placeIn("a:b (", 4)).toBe(4);
    expect(placeIn("\u{1f600}:b (", 4)).toBe(5);
    expect(placeIn("ab", 9)).toBe(2);
  });

  it("is one of what was asked, which has no blanks around it", () => {
    expect(placeIn(" \n SELEC 1", 0)).toBe(3);
    expect(placeIn("  \u{1f600} (", 2)).toBe(5);
  });
});
