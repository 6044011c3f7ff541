import { expect, test } from "vitest";
import { byHandParams, flipped, has, NOTHING_BY_HAND, readByHand, withSpan, type ByHand } from "./byhand";

const span = (n: number): { span_id: string; span_index: number } => ({ span_id: n.toString(16).padStart(16, "0"), span_index: n });

const address = (hand: ByHand): URLSearchParams => new URLSearchParams(Object.entries(byHandParams(hand)).flatMap(([key, value]) => (value === null ? [] : [[key, value]])));

test("what was opened and closed by hand is in the address, and read from it", () => {
  const hand = { opened: [span(1), span(700)], turned: [span(3)], groups: [span(2)] };
  expect(byHandParams(hand)).toEqual({ opened: "0000000000000001.1,00000000000002bc.700", toggled: "0000000000000003.3,similar:0000000000000002.2" });
  expect(readByHand(address(hand))).toEqual(hand);
  expect(byHandParams(NOTHING_BY_HAND)).toEqual({ opened: null, toggled: null });
  expect(readByHand(new URLSearchParams())).toEqual(NOTHING_BY_HAND);
});

test("a name without a place is one too, and what is no name is left out", () => {
  const read = readByHand(new URLSearchParams({ toggled: "0000000000000003,similar:00000000000000aa,nonsense,similar:x", opened: "0000000000000004.x" }));
  expect(read).toEqual({ opened: [{ span_id: "0000000000000004", span_index: null }], turned: [{ span_id: "0000000000000003", span_index: null }], groups: [{ span_id: "00000000000000aa", span_index: null }] });
});

test("an address keeps the latest forty of each", () => {
  const many = Array.from({ length: 100 }, (_, at) => span(at));
  const kept = readByHand(address({ opened: many, turned: many, groups: many }));
  expect([kept.opened.length, kept.turned.length, kept.groups.length]).toEqual([40, 40, 40]);
  expect(has(kept.opened, span(99))).toBe(true);
});

test("what is turned twice is as it was", () => {
  const once = flipped([span(1)], span(2));
  expect(once).toEqual([span(1), span(2)]);
  expect(flipped(once, span(1))).toEqual([span(2)]);
  expect(withSpan(once, span(1))).toEqual([span(2), span(1)]);
});
