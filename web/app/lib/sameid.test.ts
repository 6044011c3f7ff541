import { expect, test } from "vitest";
import { looksLikeCall, sameIds, sameIdText, strangers } from "./sameid";

const span = (span_id: string, kind: string) => ({ span_id, kind });

test("spans that share an id are told apart: two halves of a call, and others", () => {
  const spans = [span("a", "CLIENT"), span("a", "SERVER"), span("b", "SERVER"), span("c", "INTERNAL"), span("b", "CLIENT"), span("b", "SERVER")];
  const found = sameIds(spans);
  expect(found.get(0)).toEqual({ all: [0, 1], isCall: true });
  expect(found.get(1)).toBe(found.get(0));
  expect(found.get(4)).toEqual({ all: [2, 4, 5], isCall: false });
  expect(found.has(3)).toBe(false);
  expect(strangers(spans)).toBe(3);
  expect(sameIds([span("a", "SERVER"), span("a", "SERVER")]).get(0)?.isCall).toBe(false);
});

test("it is said in words", () => {
  expect(sameIdText(5, false)).toBe("Shares its id with 5 other spans");
  expect(sameIdText(1, false)).toBe("Shares its id with 1 other span");
  expect(sameIdText(1, true)).toMatch(/two halves of this call/);
  expect([looksLikeCall("CLIENT", 1), looksLikeCall("CLIENT", 2), looksLikeCall("INTERNAL", 1)]).toEqual([true, false, false]);
});
