import { describe, expect, it } from "vitest";
import { alignBefore, change, periodBefore } from "./before";

const MINUTE = 60_000;
const histogram = (startMinute: number, bucketMinutes = 1) => ({ start_unix_nano: String(BigInt(startMinute * MINUTE) * 1_000_000n), bucket_ns: bucketMinutes * MINUTE * 1e6 });

describe("the period before", () => {
  it("is as long and ends where this one begins", () => {
    const range = { start: "2026-01-01T10:00:00.000Z", end: "2026-01-01T11:00:00.000Z" };
    expect(periodBefore(range, 0)).toEqual({ start: "2026-01-01T09:00:00.000Z", end: "2026-01-01T10:00:00.000Z" });
    expect(periodBefore({ start: "2026-01-01T10:00:00.000Z", end: null }, Date.parse("2026-01-01T10:30:00Z"))).toEqual({ start: "2026-01-01T09:30:00.000Z", end: "2026-01-01T10:00:00.000Z" });
    expect(periodBefore({ start: null, end: null }, 0)).toBeNull();
  });

  it("lies under this one by the time into the period, not by the number of the bucket", () => {
    const now = histogram(100);
    expect(alignBefore(now, 3, histogram(90), 10 * MINUTE, [7, 8, 9])).toEqual([7, 8, 9]);
    // What came first in that period came two minutes after its beginning.
    expect(alignBefore(now, 3, histogram(92), 10 * MINUTE, [9])).toEqual([null, null, 9]);
    expect(alignBefore(now, 3, histogram(88), 10 * MINUTE, [5, 6, 7, 8])).toEqual([7, 8, null]);
    expect(alignBefore(now, 3, histogram(90, 5), 10 * MINUTE, [7])).toEqual([null, null, null]);
  });

  it("is put into a figure", () => {
    expect(change(112, 100)).toEqual({ text: "+12 %", direction: 1 });
    expect(change(97.5, 100)).toEqual({ text: "−2.5 %", direction: -1 });
    expect(change(100.2, 100)).toEqual({ text: "same", direction: 0 });
    expect(change(3000, 100)).toEqual({ text: "30×", direction: 1 });
    expect(change(3, 0)).toEqual({ text: "new", direction: 1 });
    expect(change(0, 0)).toEqual({ text: "same", direction: 0 });
    expect(change(0, 5)).toEqual({ text: "−100 %", direction: -1 });
  });
});
