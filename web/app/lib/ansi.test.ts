import { describe, expect, it } from "vitest";
import { ansiPieces, stripAnsi } from "./ansi";

const ESC = "\u001b[";

describe("terminal colours", () => {
  it("become classes, and end where they are reset", () => {
    expect(ansiPieces(`a ${ESC}1;31merror${ESC}0m b`)).toEqual([
      { text: "a ", classes: "" },
      { text: "error", classes: "ansi-1 ansi-bold" },
      { text: " b", classes: "" },
    ]);
  });

  it("of 256 and of true colour leave no rubbish in the text", () => {
    expect(ansiPieces(`${ESC}38;5;208mx${ESC}38;2;1;2;3my`).map((piece) => piece.text)).toEqual(["x", "y"]);
    expect(ansiPieces(`${ESC}38;5;2mx`)[0]?.classes).toBe("ansi-2");
    expect(ansiPieces(`${ESC}48;5;1;33mx`)[0]?.classes).toBe("ansi-3");
  });

  it("can be taken out", () => {
    expect(stripAnsi(`${ESC}32mok${ESC}39m ${ESC}2K\u001b]0;title\u0007done`)).toBe("ok done");
    expect(stripAnsi("plain [31m")).toBe("plain [31m");
  });
});
