import type { LogRecord } from "../api/types";

/** Records held in the browser while a tail goes on; the oldest make room. */
export const MAX_HELD = 20_000;
const RATE_WINDOW_MS = 5000;

/** What a live tail shows, and what waits while it is paused. */
export interface Held {
  rows: LogRecord[];
  /** Came while paused; the oldest of too many are gone, but counted. */
  waiting: LogRecord[];
  waitingCount: number;
  /** All that came, shown or not. */
  total: number;
  /** Matching records that the server did not send; `null` once it could not say how many. */
  dropped: number | null;
}

export const EMPTY: Held = { rows: [], waiting: [], waitingCount: 0, total: 0, dropped: 0 };

/** New records go to the rows, or wait. */
export function arrived(held: Held, records: LogRecord[], paused: boolean): Held {
  const total = held.total + records.length;
  if (paused) return { ...held, total, waiting: newest(held.waiting.concat(records)), waitingCount: held.waitingCount + records.length };
  return { ...held, total, rows: newest(held.rows.concat(records)) };
}

/** What waited is shown. */
export function resumed(held: Held): Held {
  if (held.waitingCount === 0) return held;
  return { ...held, rows: newest(held.rows.concat(held.waiting)), waiting: [], waitingCount: 0 };
}

export function leftOut(held: Held, count: number | null): Held {
  return { ...held, dropped: held.dropped === null || count === null ? null : held.dropped + count };
}

const newest = (records: LogRecord[]): LogRecord[] => (records.length > MAX_HELD ? records.slice(records.length - MAX_HELD) : records);

/** Records a second over the last seconds. */
export class Rate {
  private marks: { at: number; count: number }[] = [];

  add(at: number, count: number): void {
    this.marks.push({ at, count });
  }

  perSecond(now: number): number {
    this.marks = this.marks.filter((mark) => mark.at > now - RATE_WINDOW_MS);
    return this.marks.reduce((sum, mark) => sum + mark.count, 0) / (RATE_WINDOW_MS / 1000);
  }
}
