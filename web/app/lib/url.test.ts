import { describe, expect, it } from "vitest";
import { serviceSlot, SLOTS } from "./colour";
import { href, hrefWith } from "./router";
import { rowWindow, scrollToShow } from "./window";

describe("state in the URL", () => {
  it("changes only what is named and drops what is empty", () => {
    const now = new URLSearchParams("q=a b&start=now-1h&sel=7");
    expect(hrefWith("/logs", now, { sel: null })).toBe("/logs?q=a+b&start=now-1h");
    expect(hrefWith("/logs", now, { q: "", start: null, sel: null })).toBe("/logs");
    expect(now.get("sel")).toBe("7");
  });

  it("survives queries with every special character", () => {
    const query = 'path:"/a?b=c&d" 50% #x +y';
    expect(new URL(href("/logs", { q: query, start: null }), "http://x").searchParams.get("q")).toBe(query);
  });
});

describe("windowing", () => {
  it("keeps few rows of many", () => {
    expect(rowWindow(1800, 900, 18, 100_000, 10)).toEqual({ first: 90, last: 160 });
    expect(rowWindow(0, 900, 18, 5, 10)).toEqual({ first: 0, last: 5 });
    expect(rowWindow(9999, 900, 18, 0, 10)).toEqual({ first: 0, last: 0 });
  });

  it("moves one row for a step and centres after a jump", () => {
    expect(scrollToShow(5 * 20, 20, 0, 200)).toBe(0);
    expect(scrollToShow(10 * 20, 20, 0, 200)).toBe(20);
    expect(scrollToShow(4 * 20, 20, 100, 200)).toBe(80);
    expect(scrollToShow(100 * 20, 20, 0, 200)).toBe(1910);
  });
});

describe("colours of services", () => {
  it("stay for ever the same and use the whole palette", () => {
    expect(serviceSlot("checkout")).toBe(serviceSlot("checkout"));
    const used = new Set(Array.from({ length: 500 }, (_, n) => serviceSlot(`service-${n}`)));
    expect(used.size).toBe(SLOTS);
  });
});
