import { describe, expect, it } from "vitest";
import type { LogRecord, SpanEvent } from "../api/types";
import { spanOf } from "../testing/spans";
import { withNotes } from "./notes";

const START = 1_675_000_000_000_000_000n;
const event = (name: string, ns: number): SpanEvent => ({ name, time_unix_nano: String(START + BigInt(ns)), offset_ns: ns, attributes: {} });
const log = (id: string, ns: number): LogRecord => ({ id, time_unix_nano: String(START + BigInt(ns)), level: "warn", body: `log ${id}` }) as LogRecord;

describe("events and log records as rows", () => {
  it("stand below their span, by time, wherever in the trace the span is", () => {
    const spans = [spanOf({ span_id: "a" }), spanOf({ span_id: "b", start_offset_ns: 100, events: [event("late", 130), event("early", 105)] })];
    const { rows, notes } = withNotes([0, 1, 7], spans, 10, START, new Map([["b", [log("x", 110)]]]));
    expect(rows).toEqual([0, 1, 10, 11, 12, 7]);
    expect(notes.map((note) => ("tick" in note ? [note.span, note.tick.ns, note.tick.title] : note))).toEqual([[1, 105, "early"], [1, 110, "warn: log x"], [1, 130, "late"]]);
  });

  it("are the first of many, and how many more there are", () => {
    const spans = [spanOf({ span_id: "a", events: Array.from({ length: 70 }, (_, at) => event("e", at)) })];
    const { rows, notes } = withNotes([0], spans, 1, START, new Map());
    expect(rows).toHaveLength(22);
    expect(notes.at(-1)).toEqual({ span: 0, more: 50 });
  });
});
