import type { LogRecord, TimelineSpan } from "../api/types";
import { ticksOf, type Tick } from "./ticks";

/** Events and log records of one span that are rows; of more the row after them tells how many. */
const MOST_OF_SPAN = 20;
/** In all: a page of them is still a page of a trace. */
const MOST = 20_000;

/** A row below a span: something that happened in it, or how much more there is. */
export type Note = { span: number; tick: Tick } | { span: number; more: number };

export interface Noted {
  /** Indexes as they were, and from `base` on those of notes. */
  rows: number[];
  base: number;
  notes: Note[];
}

/** The rows of a trace with the events and log records of each span below it, by time. */
export function withNotes(rows: readonly number[], spans: readonly TimelineSpan[], base: number, traceStart: bigint, logsBySpan: ReadonlyMap<string, LogRecord[]>): Noted {
  const notes: Note[] = [];
  const found: number[] = [];
  const add = (note: Note): void => {
    found.push(base + notes.length);
    notes.push(note);
  };
  for (const row of rows) {
    found.push(row);
    const span = spans[row];
    if (!span || notes.length >= MOST) continue;
    const logs = logsBySpan.get(span.span_id);
    if (span.events.length === 0 && !logs) continue;
    const ticks = ticksOf(span, traceStart, logs).sort((a, b) => a.ns - b.ns);
    for (const tick of ticks.slice(0, MOST_OF_SPAN)) add({ span: row, tick });
    const more = span.events.length + (logs?.length ?? 0) - Math.min(ticks.length, MOST_OF_SPAN);
    if (more > 0) add({ span: row, more });
  }
  return { rows: found, base, notes };
}
