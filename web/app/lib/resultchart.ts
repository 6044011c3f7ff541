import type { Json } from "../api/types";
import { bytes, decimal, duration } from "./format";

/** The rows of an answer as a chart: added up by a column, over time where there is one. */

export interface ResultColumn {
  name: string;
  type: string;
}

export const isNumberType = (type: string): boolean => /^(U?Int|Float|Decimal)/.test(type);
export const isTimeType = (type: string): boolean => /^(Timestamp|Date)/.test(type);

export const HOWS = ["sum", "mean", "max", "min"] as const;
export type How = (typeof HOWS)[number];

/** What is shown: columns by their place; `value` null counts rows, `by` null lays all together, `time` null asks for no time. */
export interface ChartWish {
  value: number | null;
  how: How;
  by: number | null;
  time: number | null;
}

/** More values than this tell nothing apart. */
const FEW = 50;
const NOTHING = "-";

/** What the address says, and where it says nothing what is likely meant. */
export function wishOf(params: URLSearchParams, columns: readonly ResultColumn[], rows: readonly (readonly Json[])[]): ChartWish {
  const chosen = (key: string, usual: () => number, fits: (column: ResultColumn) => boolean = () => true): number | null => {
    const name = params.get(key);
    if (name === NOTHING) return null;
    const at = columns.findIndex((column) => column.name === name && fits(column));
    const place = at >= 0 ? at : usual();
    return place < 0 ? null : place;
  };
  const value = chosen("value", () => columns.findIndex((column) => isNumberType(column.type)), (column) => isNumberType(column.type));
  const time = chosen("over", () => columns.findIndex((column) => isTimeType(column.type)), (column) => isTimeType(column.type));
  const isName = (column: ResultColumn): boolean => !isNumberType(column.type) && !isTimeType(column.type);
  const by = chosen("by", () => {
    const few = columns.findIndex((column, at) => isName(column) && distinct(rows, at, FEW) <= FEW);
    // Without time there must be something to tell rows apart by.
    return few >= 0 || time !== null ? few : columns.findIndex((column, at) => at !== value && isName(column));
  });
  const how = HOWS.find((each) => each === params.get("how")) ?? (value !== null && columns[value]?.type.startsWith("Float") ? "mean" : "sum");
  return { value, how, by, time };
}

/** For the address. */
export const writePlace = (columns: readonly ResultColumn[], place: number | null): string => (place === null ? NOTHING : (columns[place]?.name ?? NOTHING));

function distinct(rows: readonly (readonly Json[])[], at: number, most: number): number {
  const seen = new Set<string>();
  for (const row of rows) {
    seen.add(nameOf(row[at]));
    if (seen.size > most) break;
  }
  return seen.size;
}

export const nameOf = (value: Json | undefined): string => (value === null || value === undefined ? "(none)" : typeof value === "string" ? value : JSON.stringify(value));

/** What is said of several numbers. */
class Sum {
  rows = 0;
  #numbers = 0;
  #sum = 0;
  #most = -Infinity;
  #least = Infinity;

  add(value: number | null): void {
    this.rows += 1;
    if (value === null) return;
    this.#numbers += 1;
    this.#sum += value;
    this.#most = Math.max(this.#most, value);
    this.#least = Math.min(this.#least, value);
  }

  /** Null where there was no number. */
  of(wish: ChartWish): number | null {
    if (wish.value === null) return this.rows;
    if (this.#numbers === 0) return null;
    return { sum: this.#sum, mean: this.#sum / this.#numbers, max: this.#most, min: this.#least }[wish.how];
  }
}

function numberOf(value: Json | undefined): number | null {
  // Beyond 2^53 the API writes a text.
  const number = typeof value === "number" ? value : typeof value === "string" && value !== "" ? Number(value) : NaN;
  return Number.isFinite(number) ? number : null;
}

export interface Bar {
  name: string;
  value: number | null;
  rows: number;
}

/** A value for each name, the largest first. */
export function barsOf(rows: readonly (readonly Json[])[], wish: ChartWish): Bar[] {
  const sums = new Map<string, Sum>();
  for (const row of rows) {
    const name = wish.by === null ? "all rows" : nameOf(row[wish.by]);
    const sum = sums.get(name) ?? new Sum();
    sums.set(name, sum);
    sum.add(wish.value === null ? null : numberOf(row[wish.value]));
  }
  const bars = [...sums].map(([name, sum]) => ({ name, value: sum.of(wish), rows: sum.rows }));
  return bars.sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity) || a.name.localeCompare(b.name));
}

export interface Lines {
  startMs: number;
  bucketMs: number;
  series: { name: string; values: (number | null)[]; total: number }[];
  /** Names that have no line of their own. */
  left: number;
}

/** Lines that can be told apart. */
const MOST_LINES = 12;
/** Points of a line where times are not those of buckets already. */
const POINTS = 60;
const MOST_POINTS = 400;

/** A line for each name over time; null where no row has a time. `within`: only rows of that time. */
export function linesOf(rows: readonly (readonly Json[])[], wish: ChartWish, within: { from: number; to: number } | null): Lines | null {
  const { time } = wish;
  if (time === null) return null;
  const dated = rows.flatMap((row) => {
    const ms = Date.parse(String(row[time]));
    return Number.isNaN(ms) || (within && (ms < within.from || ms >= within.to)) ? [] : [{ row, ms }];
  });
  if (dated.length === 0) return null;
  const { startMs, bucketMs, count } = bucketsOf([...new Set(dated.map(({ ms }) => ms))].sort((a, b) => a - b));
  const names = barsOf(dated.map(({ row }) => row), wish);
  const shown = names.slice(0, MOST_LINES);
  const cells = new Map(shown.map(({ name }) => [name, Array.from({ length: count }, () => new Sum())]));
  for (const { row, ms } of dated) {
    const name = wish.by === null ? "all rows" : nameOf(row[wish.by]);
    cells.get(name)?.[Math.min(count - 1, Math.floor((ms - startMs) / bucketMs))]?.add(wish.value === null ? null : numberOf(row[wish.value]));
  }
  // Where rows are counted no row is a number, too.
  const valueOf = (sum: Sum): number | null => (sum.rows === 0 && wish.value !== null ? null : sum.of(wish));
  return { startMs, bucketMs, left: names.length - shown.length, series: shown.map(({ name, value }) => ({ name, total: value ?? 0, values: (cells.get(name) ?? []).map(valueOf) })) };
}

/** The buckets that the times are of already, or else some of a length that people use. */
function bucketsOf(times: readonly number[]): { startMs: number; bucketMs: number; count: number } {
  const first = times[0] ?? 0;
  const span = (times.at(-1) ?? first) - first;
  const gaps = times.slice(1).map((ms, at) => ms - (times[at] ?? ms));
  const least = Math.min(...gaps.slice(0, MOST_POINTS), Infinity);
  if (times.length > 1 && times.length <= MOST_POINTS && span / least <= MOST_POINTS && gaps.every((gap) => gap % least === 0)) {
    return { startMs: first, bucketMs: least, count: Math.round(span / least) + 1 };
  }
  const bucketMs = niceMs(span / POINTS);
  const startMs = Math.floor(first / bucketMs) * bucketMs;
  return { startMs, bucketMs, count: Math.floor((first + span - startMs) / bucketMs) + 1 };
}

const NICE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5, 1728e5, 6048e5, 2592e6, 31536e6];
const niceMs = (least: number): number => NICE.find((each) => each >= least) ?? least;

/** As the name of the column says it is to be read. */
export function formatOf(name: string | null): (value: number) => string {
  if (name !== null && /_ns$/.test(name)) return duration;
  if (name !== null && /bytes$/.test(name)) return bytes;
  return decimal;
}
