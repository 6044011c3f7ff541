import { describe, expect, it } from "vitest";
import { BAND_STARTS, bandClause, bandName, bandOf, limitText } from "./bands";

describe("bands of durations", () => {
  it("have every duration once", () => {
    for (const [ns, start] of [[-5, 0], [0, 0], [999, 0], [1000, 1000], [1999, 1000], [2e6, 2e6], [4.99e6, 2e6], [5e6, 5e6], [999e9, 500e9], [1e12, 1e12], [1e15, 1e12]] as const) {
      expect(BAND_STARTS[bandOf(ns)]).toBe(start);
    }
  });

  it("begin at limits that are written without loss", () => {
    const units = { us: 1e3, ms: 1e6, s: 1e9 };
    for (const start of BAND_STARTS.slice(1)) {
      const [, number, unit] = /^(\d+)(us|ms|s)$/.exec(limitText(start)) ?? [];
      expect(Number(number) * units[unit as keyof typeof units]).toBe(start);
    }
  });

  it("are found by a clause, also several at once", () => {
    expect(bandClause(bandOf(2e6), bandOf(2e6))).toBe("duration>=2ms duration<5ms");
    expect(bandClause(bandOf(2e6), bandOf(600e6))).toBe("duration>=2ms duration<1s");
    expect(bandClause(0, bandOf(100e3))).toBe("duration<200us");
    expect(bandClause(bandOf(50e9), BAND_STARTS.length - 1)).toBe("duration>=50s");
    expect(bandClause(0, BAND_STARTS.length - 1)).toBe("");
  });

  it("have names", () => {
    expect(bandName(bandOf(2e6))).toBe("2 ms – 5 ms");
    expect(bandName(0)).toBe("under 1 µs");
    expect(bandName(BAND_STARTS.length - 1)).toBe("1000 s or more");
  });
});
