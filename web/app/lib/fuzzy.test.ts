import { describe, expect, it } from "vitest";
import { fuzzyScore, fuzzySort } from "./fuzzy";

describe("the palette's search", () => {
  it("finds letters in order and nothing else", () => {
    expect(fuzzyScore("svm", "Service map")).not.toBeNull();
    expect(fuzzyScore("mvs", "Service map")).toBeNull();
  });

  it("puts beginnings of words before pieces of words", () => {
    const names = ["Open catalogs", "Go to Logs", "Theme: light"];
    expect(fuzzySort("logs", names, (name) => name)[0]).toBe("Go to Logs");
    expect(fuzzySort("", names, (name) => name)).toEqual(names);
  });
});
