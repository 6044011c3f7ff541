import { describe, expect, it } from "vitest";
import { narrowed, templateParts } from "./template";

describe("a pattern", () => {
  it("has its placeholders told from its words", () => {
    expect(templateParts("order <num> of <*> paid")).toEqual([
      { text: "order ", placeholder: false },
      { text: "<num>", placeholder: true },
      { text: " of ", placeholder: false },
      { text: "<*>", placeholder: true },
      { text: " paid", placeholder: false },
    ]);
    expect(templateParts("a <b> c")).toEqual([{ text: "a <b> c", placeholder: false }]);
    expect(templateParts("")).toEqual([]);
  });

  it("narrows a query to itself, or to all others", () => {
    expect(narrowed("", '"paid in"', false)).toBe('"paid in"');
    expect(narrowed("service:cart", '"order" "paid in"', false)).toBe('service:cart "order" "paid in"');
    expect(narrowed("service:cart", '"order" "paid in"', true)).toBe('service:cart -("order" "paid in")');
    expect(narrowed("a OR b", '"paid"', true)).toBe('(a OR b) -"paid"');
  });
});
