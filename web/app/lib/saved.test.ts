import { describe, expect, it } from "vitest";
import { addressOf, contentOf, startOf, toggleStart } from "./saved";

describe("a search as the server keeps it", () => {
  it("has the query and all that stands in the address, but not the chosen row", () => {
    const content = contentOf("slow", "/traces?q=duration%3E1s+%22a+b%22&start=now-1h&sort=duration&sel=17");
    expect(content).toEqual({ name: "slow", view: "traces", query: 'duration>1s "a b"', parameters: { start: "now-1h", sort: "duration" } });
    expect(content && addressOf(content)).toBe("/traces?q=duration%3E1s+%22a+b%22&start=now-1h&sort=duration");
  });

  it("may be without a query", () => {
    const content = contentOf("all", "/logs");
    expect(content).toMatchObject({ view: "logs", query: "", parameters: {} });
    expect(content && addressOf(content)).toBe("/logs");
  });

  it("is not made of a page that has none", () => {
    expect(contentOf("x", "/map")).toBeNull();
    expect(contentOf("x", "/services/cart")).toBeNull();
  });
});

describe("a page", () => {
  it("begins with what was chosen for it, in the range that is looked at", () => {
    const plain = { start: null, end: null };
    expect(startOf("/logs", plain)).toBe("/logs");
    toggleStart("/logs?q=level%3Aerror&start=now-1h");
    expect(startOf("/logs", plain)).toBe("/logs?q=level%3Aerror&start=now-1h");
    expect(startOf("/logs", { start: "now-5m", end: null })).toBe("/logs?q=level%3Aerror&start=now-5m");
    expect(startOf("/traces", plain)).toBe("/traces");
    toggleStart("/logs?q=level%3Aerror&start=now-1h");
    expect(startOf("/logs", plain)).toBe("/logs");
  });
});
