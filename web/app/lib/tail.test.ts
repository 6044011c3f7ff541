import { describe, expect, it } from "vitest";
import type { LogRecord } from "../api/types";
import { arrived, EMPTY, leftOut, MAX_HELD, Rate, resumed } from "./tail";

const records = (from: number, count: number): LogRecord[] => Array.from({ length: count }, (_, at) => ({ id: String(from + at) }) as LogRecord);
const ids = (rows: LogRecord[]): string[] => rows.map((row) => row.id);

describe("a live tail", () => {
  it("keeps what comes while it is paused, and shows it in order when it goes on", () => {
    let held = arrived(EMPTY, records(1, 2), false);
    held = arrived(held, records(3, 2), true);
    expect([ids(held.rows), held.waitingCount, held.total]).toEqual([["1", "2"], 2, 4]);
    held = resumed(held);
    expect([ids(held.rows), held.waitingCount]).toEqual([["1", "2", "3", "4"], 0]);
    expect(resumed(held)).toBe(held);
  });

  it("holds only so many, and counts all", () => {
    let held = arrived(EMPTY, records(0, MAX_HELD), false);
    held = arrived(held, records(MAX_HELD, 5), false);
    expect([held.rows.length, held.rows[0]?.id, held.total]).toEqual([MAX_HELD, "5", MAX_HELD + 5]);
    held = arrived(held, records(0, MAX_HELD + 7), true);
    expect([held.waiting.length, held.waitingCount]).toEqual([MAX_HELD, MAX_HELD + 7]);
    expect(resumed(held).rows.length).toBe(MAX_HELD);
  });

  it("adds up what was left out, unless nobody knows", () => {
    expect(leftOut(leftOut(EMPTY, 3), 4).dropped).toBe(7);
    expect(leftOut(leftOut(EMPTY, null), 4).dropped).toBeNull();
  });

  it("says how much comes a second, of late", () => {
    const rate = new Rate();
    rate.add(0, 1000);
    rate.add(4000, 50);
    rate.add(6000, 50);
    expect(rate.perSecond(6000)).toBe(20);
    expect(rate.perSecond(60_000)).toBe(0);
  });
});
