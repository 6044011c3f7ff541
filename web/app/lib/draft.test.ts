import { describe, expect, it } from "vitest";
import { placeIn, placeNamed } from "./draft";

describe("a place that the server names", () => {
  it("is counted in code points", () => {
    expect(placeIn("a:b (", 4)).toBe(4);
    expect(placeIn("\u{1f600}:b (", 4)).toBe(5);
    expect(placeIn("ab", 9)).toBe(2);
  });

  it("is that of the name in its message, where there is only that", () => {
    const text = "SELECT sevice_name_x, sevice_name FROM logs";
    expect(placeNamed(text, "there is no column `sevice_name`")).toBe(22);
    expect(placeNamed(text, "there is no column `logs.sevice_name`")).toBe(22);
    expect(placeNamed(text, "there is no column `other`")).toBeNull();
    expect(placeNamed(text, "the query failed")).toBeNull();
    expect(placeNamed('SELECT "a (b" FROM logs', 'there is no column `a (b`')).toBe(8);
  });

  it("is one of what was asked, which has no blanks around it", () => {
    expect(placeIn(" \n SELEC 1", 0)).toBe(3);
    expect(placeIn("  \u{1f600} (", 2)).toBe(5);
  });
});
