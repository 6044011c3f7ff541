import { describe, expect, it } from "vitest";
import { offsetsOf, offsetWindow, rowAt, rowWindow, scrollToShow, wrappedLines } from "./window";

describe("rows in sight", () => {
  it("are few, however many there are", () => {
    expect(rowWindow(1_799_000, 720, 18, 100_000, 12)).toEqual({ first: 99_932, last: 99_997 });
    expect(rowWindow(0, 720, 18, 3, 12)).toEqual({ first: 0, last: 3 });
  });

  it("are found by their offsets when heights differ", () => {
    const offsets = offsetsOf(5, (index) => (index === 2 ? 100 : 10));
    expect([...offsets]).toEqual([0, 10, 20, 120, 130, 140]);
    expect([0, 9, 10, 60, 119, 120, 500].map((y) => rowAt(offsets, y))).toEqual([0, 0, 1, 2, 2, 3, 4]);
    expect(offsetWindow(25, 50, offsets, 0)).toEqual({ first: 2, last: 3 });
    expect(offsetWindow(0, 50, offsetsOf(0, () => 1), 3)).toEqual({ first: 0, last: 0 });
  });

  it("move by one where one is enough", () => {
    expect(scrollToShow(180, 18, 0, 180)).toBe(18);
    expect(scrollToShow(18_000, 18, 0, 180)).toBe(18_000 - 81);
    expect(scrollToShow(36, 18, 0, 180)).toBe(0);
  });
});

describe("lines of wrapped text", () => {
  it("count breaks of the text and of the width", () => {
    expect(wrappedLines("", 10, 20)).toBe(1);
    expect(wrappedLines("a".repeat(21), 10, 20)).toBe(3);
    expect(wrappedLines("a\n\nb", 10, 20)).toBe(3);
    expect(wrappedLines("a\n".repeat(100), 10, 20)).toBe(20);
  });
});
