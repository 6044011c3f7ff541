import { describe, expect, it } from "vitest";
import { shortened } from "./shorten";

const characters = (text: string): number => [...text].length;

describe("a name that is too long", () => {
  it("keeps its beginning and its end", () => {
    expect(shortened("orders", 6, characters)).toBe("orders");
    expect(shortened("warehouse-orders-prod", 11, characters)).toBe("wareh…-prod");
    expect(shortened("warehouse-orders-prod", 10, characters)).toBe("wareh…prod");
  });

  it("is never wider than its place, and never cut within a character", () => {
    for (let width = 1; width < 9; width += 1) expect(characters(shortened("😀😀😀😀😀😀😀😀😀", width, characters))).toBe(width);
    expect(shortened("abc", 0, characters)).toBe("…");
  });
});
