import { expect, test } from "vitest";
import { roundedOut, spanOf, withSpan } from "./span";

test("a range is put into a query once, and taken out again", () => {
  const first = withSpan("status:error", "duration", { low: 250e6, high: 1.5e9 }, true);
  expect(first).toBe("status:error duration:[250ms TO 1.5s]");
  expect(spanOf(first, "duration", true)).toEqual({ low: 250e6, high: 1.5e9 });
  expect(withSpan(first, "duration", { low: 0, high: 40 }, true)).toBe("status:error duration:[0ns TO 40ns]");
  expect(withSpan(first, "duration", null, true)).toBe("status:error");
});

test("numbers have no units, and an open end is endless", () => {
  expect(withSpan("a OR b", "size", { low: -3, high: 7.5 }, false)).toBe("(a OR b) size:[-3 TO 7.5]");
  expect(spanOf("size:[10 TO *]", "size", false)).toEqual({ low: 10, high: Infinity });
  expect(spanOf("size:[a TO b]", "size", false)).toBeNull();
  expect(spanOf("size:10", "size", false)).toBeNull();
});

test("rounding leaves nothing out", () => {
  expect(roundedOut({ low: 12_345, high: 98_761 })).toEqual({ low: 12_300, high: 98_800 });
  expect(roundedOut({ low: 0, high: 0.12345 })).toEqual({ low: 0, high: 0.124 });
  expect(roundedOut({ low: -12_345, high: -1 })).toEqual({ low: -12_400, high: -1 });
});
