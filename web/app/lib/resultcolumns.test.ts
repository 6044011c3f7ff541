import { expect, it } from "vitest";
import { choiceOf, readPlaces, withChoice, writePlaces } from "./resultcolumns";

it("the columns of a result are places, of which nonsense is none", () => {
  expect(readPlaces(null, null, 3)).toEqual([0, 1, 2]);
  expect(readPlaces("2,0", "1", 3)).toEqual([2, 0]);
  expect(readPlaces("3", "1", 3)).toEqual([1]);
  for (const text of ["", "x", "0,0", "-1", "0.5"]) expect(readPlaces(text, text, 3)).toEqual([0, 1, 2]);
  expect(writePlaces([0, 1, 2], 3)).toBe("");
  expect(writePlaces([2, 0], 3)).toBe("2,0");
});

it("what was chosen is kept for columns of these names, and not for ever", () => {
  const names = ["count(*)", "approx_percentile(duration_ns, 0.5)"];
  let kept = withChoice("nonsense", names, [1]);
  expect(choiceOf(kept, names)).toBe("1");
  expect(choiceOf(kept, ["other"])).toBeNull();
  kept = withChoice(kept, ["a", "b"], [1, 0]);
  expect(choiceOf(kept, names)).toBe("1");
  expect(choiceOf(withChoice(kept, names, [0, 1]), names)).toBeNull();
  for (let at = 0; at < 60; at += 1) kept = withChoice(kept, [`c${at}`, "x"], [0]);
  expect(choiceOf(kept, names)).toBeNull();
  expect(choiceOf(kept, ["c59", "x"])).toBe("0");
  expect((JSON.parse(kept) as unknown[]).length).toBe(50);
});
