import { describe, expect, it } from "vitest";
import { snippet } from "./row";

describe("a row's text", () => {
  const line = `${"head ".repeat(20)}needle ${"tail ".repeat(20)}`;

  it("stays as it is when its match is in sight", () => {
    expect(snippet(line, null, 80)).toBe(line);
    expect(snippet(line, /head/, 80)).toBe(line);
    expect(snippet(line, /absent/, 80)).toBe(line);
    expect(snippet(line, /needle/, 200)).toBe(line);
  });

  it("makes room for a match out of sight", () => {
    const wide = snippet(line, /needle/, 120);
    expect(wide.startsWith("head head")).toBe(true);
    expect(wide.indexOf("needle")).toBeLessThan(90);
    const narrow = snippet(line, /needle/, 50);
    expect(narrow.startsWith("… ")).toBe(true);
    expect(narrow.indexOf("needle")).toBeLessThan(20);
  });
});
