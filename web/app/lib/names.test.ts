import { expect, it } from "vitest";
import { namesThatFit } from "./names";

const at = (name: string, x: number, y: number): { name: string; x: number; y: number; width: number; height: number } => ({ name, x, y, width: 10, height: 4 });
const ROOM = { seen: { x: 0, y: 0, width: 100, height: 100 }, lineHeight: 8, most: 40, measure: (text: string) => text.length * 5 };

it("writes a name over its box, in the middle of it", () => {
  expect(namesThatFit([at("ab", 50, 50)], ROOM)).toEqual([{ name: "ab", text: "ab", x: 50, y: 46 }]);
});

it("keeps the more wanted of two that would lie over each other", () => {
  const names = namesThatFit([at("first", 40, 50), at("second", 44, 54), at("third", 40, 80)], ROOM).map(({ name }) => name);
  expect(names).toEqual(["first", "third"]);
});

it("moves what would leave the screen, and leaves out what is not on it", () => {
  const [left, right, ...rest] = namesThatFit([at("at the left", -4, 50), at("right", 95, 2), at("away", 200, 50)], ROOM);
  expect(left?.x).toBe(0);
  expect([right?.x, right?.y]).toEqual([75, 4]);
  expect(rest).toEqual([]);
});

it("shortens what is longer than a name may be", () => {
  expect(namesThatFit([at("a-very-long-name", 50, 50)], ROOM)[0]?.text).toBe("a-ve…ame");
});
