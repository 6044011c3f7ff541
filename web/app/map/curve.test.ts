import { expect, test } from "vitest";
import { curveOf, distanceTo } from "./curve";

const SIZES = { width: 100, height: 20 };
const at = (name: string, x: number, y: number): { name: string; x: number; y: number } => ({ name, x, y });

test("a call path is found where it is drawn, and not beside it", () => {
  const straight = curveOf(at("a", 0, 0), at("b", 300, 0), SIZES);
  expect(distanceTo(straight, { x: 200, y: 10 }, 5)).toBeLessThan(0.01);
  expect(distanceTo(straight, { x: 200, y: 14 }, 5)).toBeCloseTo(4);
  expect(distanceTo(straight, { x: 200, y: 16 }, 5)).toBe(Number.POSITIVE_INFINITY);
  expect(distanceTo(straight, { x: 90, y: 10 }, 5)).toBe(Number.POSITIVE_INFINITY);
});

test("one that goes backwards is found in its bow, a call of itself above its node", () => {
  const back = curveOf(at("a", 300, 0), at("b", 0, 100), SIZES);
  expect(distanceTo(back, { x: 200, y: 60 }, 8)).toBeLessThan(8);
  const self = curveOf(at("a", 0, 50), at("a", 0, 50), SIZES);
  expect(distanceTo(self, { x: 50, y: 34.5 }, 3)).toBeLessThan(3);
});
