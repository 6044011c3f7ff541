import { describe, expect, it } from "vitest";
import { jsonPieces, prettyJson } from "./json";

describe("JSON", () => {
  it("is indented as JSON.stringify does it", () => {
    const value = { a: 1, list: [1, { b: "x, [y] {z}: \"q\"" }], empty: {}, none: [], t: true, n: null };
    expect(prettyJson(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
    expect(prettyJson("[]")).toBe("[]");
  });

  it("keeps the digits of large integers", () => {
    expect(prettyJson('{"id":9007199254740993}')).toBe('{\n  "id": 9007199254740993\n}');
  });

  it("is not what merely begins like it", () => {
    for (const text of ["[main] started", "{x}", "plain", ""]) expect(prettyJson(text)).toBeNull();
  });

  it("is coloured without losing a character", () => {
    const text = '{\n  "a": [1, -2.5e3, true, "b: 3"]\n}';
    const pieces = jsonPieces(text);
    expect(pieces.map((piece) => piece.text).join("")).toBe(text);
    expect(pieces.filter((piece) => piece.kind !== "plain").map((piece) => piece.kind)).toEqual(["key", "number", "number", "word", "string"]);
  });
});
