import { describe, expect, it } from "vitest";
import { ALL_TIME, parsePoint, parseTypedRange, rangeAround, resolveRange, stepRange, zoomOut, hourAround } from "./time";

const NOW = Date.parse("2026-03-10T12:00:00Z");

describe("a point in time", () => {
  it("is relative to now", () => {
    expect(parsePoint("now-15m", NOW)).toBe(NOW - 15 * 60_000);
    expect(parsePoint("-2h", NOW)).toBe(NOW - 7_200_000);
    expect(parsePoint("now", NOW)).toBe(NOW);
  });

  it("is Unix time told apart by size", () => {
    for (const text of ["1674982096", "1674982096000", "1674982096000000", "1674982096000000000"]) {
      expect(parsePoint(text, NOW)).toBe(1_674_982_096_000);
    }
  });

  it("is RFC 3339, also with nanoseconds", () => {
    expect(parsePoint("2023-01-29T08:48:16.546346267Z", NOW)).toBe(Date.parse("2023-01-29T08:48:16.546Z"));
    expect(parsePoint("2023-01-29 08:48:16Z", NOW)).toBe(Date.parse("2023-01-29T08:48:16Z"));
  });

  it("is what logs and this page write", () => {
    const at = Date.parse("2023-01-29T08:48:16.546Z");
    for (const text of ["2023-01-29 08:48:16.546346267 UTC", "2023-01-29 08:48:16,546", "2023/01/29 08:48:16.546", "2023-01-29T09:48:16.546+01:00", "2023-01-29 08:48:16.546346 +0000 UTC", "29/Jan/2023:03:48:16.546 -0500"]) {
      expect(parsePoint(text, NOW, "utc"), text).toBe(at);
    }
    for (const text of ["[29/Jan/2023:08:48:16 +0000]", "Sun, 29 Jan 2023 08:48:16 GMT", "Sun Jan 29 08:48:16 2023", "January 29, 2023 08:48:16"]) expect(parsePoint(text, NOW, "utc"), text).toBe(Date.parse("2023-01-29T08:48:16Z"));
    expect(parsePoint("Mar 9 08:48:16.546", NOW, "utc")).toBe(Date.parse("2026-03-09T08:48:16.546Z"));
    expect(parsePoint("Dec 24 20:15", NOW, "utc")).toBe(Date.parse("2025-12-24T20:15:00Z"));
    expect(parsePoint("2023-01-29 08:48:16", NOW)).toBe(new Date("2023-01-29T08:48:16").getTime());
  });

  it("is nothing when it is nonsense", () => {
    for (const text of ["", "soon", "2023-99-99", "12", "2023-02-30", "Foo 12", "Feb 30 2024", "2023-01-29 25:00"]) expect(parsePoint(text, NOW)).toBeNull();
  });
});

describe("a typed range", () => {
  it("takes spans up to now", () => {
    expect(parseTypedRange("2h", NOW)).toEqual({ start: "now-2h", end: null });
    expect(parseTypedRange("last 30 minutes", NOW)).toEqual({ start: "now-30m", end: null });
    expect(parseTypedRange("24h", NOW)?.start).toBe("now-24h");
    expect(parseTypedRange("1h30m", NOW)?.start).toBe("now-90m");
    expect(parseTypedRange("1.5 days", NOW)?.start).toBe("now-36h");
    expect(parseTypedRange("last hour", NOW)?.start).toBe("now-1h");
    expect(parseTypedRange("3 months", NOW)?.start).toBe("now-90d");
    expect(parseTypedRange("90 s", NOW)?.start).toBe("now-90s");
    for (const text of ["hour", "2 foos", "0.1s", "0h30x"]) expect(parseTypedRange(text, NOW), text).toBeNull();
    expect(parseTypedRange("all time", NOW)).toEqual(ALL_TIME);
  });

  it("takes two points, the second on the first one's day", () => {
    const range = parseTypedRange("2023-01-29 08:00 to 09:30", NOW);
    expect(range).toEqual({ start: new Date("2023-01-29T08:00").toISOString(), end: new Date("2023-01-29T09:30").toISOString() });
    expect(parseTypedRange("Jan 29 2023 08:00 - 9:30", NOW)).toEqual(range);
    expect(parseTypedRange("2023-01-29T08:00 to 9:30", NOW)).toEqual(range);
  });

  it("keeps relative ends relative", () => {
    expect(parseTypedRange("now-2h to now-1h", NOW)).toEqual({ start: "now-2h", end: "now-1h" });
  });

  it("takes the minutes around one pasted time", () => {
    const range = parseTypedRange("2023-01-29T08:48:16Z", NOW);
    expect(range).toEqual({ start: "2023-01-29T08:43:16.000Z", end: "2023-01-29T08:53:16.000Z" });
  });

  it("takes yesterday as a whole day", () => {
    const range = parseTypedRange("yesterday", NOW);
    expect(Date.parse(range?.end ?? "") - Date.parse(range?.start ?? "")).toBe(86_400_000);
  });

  it("takes a day that is written with its month's name as a whole day", () => {
    expect(parseTypedRange("Jan 29, 2023", NOW, "utc")).toEqual({ start: "2023-01-29T00:00:00.000Z", end: "2023-01-30T00:00:00.000Z" });
  });

  it("refuses what ends before it starts", () => {
    expect(parseTypedRange("2023-01-29 09:00 to 2023-01-29 08:00", NOW)).toBeNull();
  });
});

describe("fixing a range", () => {
  it("turns relative ends into times and leaves the others", () => {
    expect(resolveRange({ start: "now-1h", end: null }, NOW)).toEqual({ start: "2026-03-10T11:00:00.000Z", end: null });
    expect(resolveRange({ start: "2023-01-29T08:00:00.5Z", end: "now" }, NOW)).toEqual({ start: "2023-01-29T08:00:00.5Z", end: "2026-03-10T12:00:00.000Z" });
  });

  it("rounds outwards to whole milliseconds, never to nothing", () => {
    expect(rangeAround(1000.2, 1000.3)).toEqual({ start: new Date(1000).toISOString(), end: new Date(1001).toISOString() });
  });
});

describe("days and clock times", () => {
  const range = (text: string) => parseTypedRange(text, NOW, "utc");

  it("are read in the zone that is shown", () => {
    expect(parsePoint("yesterday 14:00", NOW, "utc")).toBe(Date.parse("2026-03-09T14:00:00Z"));
    expect(parsePoint("2026-03-09 14:00", NOW, "utc")).toBe(Date.parse("2026-03-09T14:00:00Z"));
    expect(parsePoint("2026-03-09T14:00:00+02:00", NOW, "utc")).toBe(Date.parse("2026-03-09T12:00:00Z"));
    expect(parsePoint("monday 9:30", NOW, "utc")).toBe(Date.parse("2026-03-09T09:30:00Z"));
    expect(parsePoint("2h ago", NOW)).toBe(NOW - 7_200_000);
  });

  it("are the last time that it was that late", () => {
    expect(parsePoint("11:00", NOW, "utc")).toBe(Date.parse("2026-03-10T11:00:00Z"));
    expect(parsePoint("13:00", NOW, "utc")).toBe(Date.parse("2026-03-09T13:00:00Z"));
  });

  it("make ranges", () => {
    expect(range("yesterday")).toEqual({ start: "2026-03-09T00:00:00.000Z", end: "2026-03-10T00:00:00.000Z" });
    expect(range("yesterday 14:00 to 15:30")).toEqual({ start: "2026-03-09T14:00:00.000Z", end: "2026-03-09T15:30:00.000Z" });
    expect(range("today 9:00-10:00")).toEqual({ start: "2026-03-10T09:00:00.000Z", end: "2026-03-10T10:00:00.000Z" });
    expect(range("08:00 - 09:00")).toEqual({ start: "2026-03-10T08:00:00.000Z", end: "2026-03-10T09:00:00.000Z" });
    expect(range("today")).toEqual({ start: "2026-03-10T00:00:00.000Z", end: null });
  });
});

describe("moving the range", () => {
  const hour = { start: "2026-03-10T08:00:00Z", end: "2026-03-10T09:00:00Z" };

  it("doubles it around its middle, but not into the future", () => {
    expect(zoomOut(hour, NOW)).toEqual({ start: "2026-03-10T07:30:00.000Z", end: "2026-03-10T09:30:00.000Z" });
    expect(zoomOut({ start: "now-1h", end: null }, NOW)).toEqual({ start: "2026-03-10T10:00:00.000Z", end: "2026-03-10T12:00:00.000Z" });
  });

  it("steps by its own width, there and back", () => {
    const before = stepRange(hour, -1, NOW);
    expect(before).toEqual({ start: "2026-03-10T07:00:00.000Z", end: "2026-03-10T08:00:00.000Z" });
    expect(before && stepRange(before, 1, NOW)).toEqual({ start: "2026-03-10T08:00:00.000Z", end: "2026-03-10T09:00:00.000Z" });
  });

  it("leaves a range without a beginning alone", () => {
    expect(zoomOut(ALL_TIME, NOW)).toBeNull();
    expect(stepRange(ALL_TIME, 1, NOW)).toBeNull();
  });
});

describe("the time around a trace", () => {
  it("is half an hour to both sides", () => {
    expect(hourAround("1674982096546346267", 1e9)).toEqual({ start: "2023-01-29T08:18:16.546Z", end: "2023-01-29T09:18:17.547Z" });
  });
});
