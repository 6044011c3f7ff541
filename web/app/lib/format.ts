import { createStore, useStore } from "./store";
import type { Zone } from "./time";

export type { Zone };

const ZONE_KEY = "spoor.zone";
export const zoneStore = createStore<Zone>(readZone());

function readZone(): Zone {
  try {
    return localStorage.getItem(ZONE_KEY) === "utc" ? "utc" : "local";
  } catch {
    return "local";
  }
}

export function setZone(zone: Zone): void {
  zoneStore.set(zone);
  try {
    localStorage.setItem(ZONE_KEY, zone);
  } catch {
    // The choice then lasts as long as the page.
  }
}

export const useZone = (): Zone => useStore(zoneStore);

/** The texts are in English, and so are numbers and months; this is the one place that knows. */
const LOCALE = "en-US";
const WHOLE = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 });
const MONTH = new Intl.DateTimeFormat(LOCALE, { month: "short", timeZone: "UTC" });
const MONTHS = Array.from({ length: 12 }, (_, month) => MONTH.format(Date.UTC(2000, month)));

const DIGITS = [0, 1, 2, 3].map((digits) => new Intl.NumberFormat(LOCALE, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false }));

/** A number with so many digits after the point. */
export const fixed = (value: number, digits: 0 | 1 | 2 | 3): string => DIGITS[digits]?.format(value) ?? String(value);

const two = (n: number): string => String(n).padStart(2, "0");

interface Parts {
  year: number;
  month: number;
  day: number;
  clock: string;
  ms: string;
}

function parts(ms: number, zone: Zone): Parts {
  const date = new Date(ms);
  const utc = zone === "utc";
  const hours = utc ? date.getUTCHours() : date.getHours();
  const minutes = utc ? date.getUTCMinutes() : date.getMinutes();
  return {
    year: utc ? date.getUTCFullYear() : date.getFullYear(),
    month: utc ? date.getUTCMonth() : date.getMonth(),
    day: utc ? date.getUTCDate() : date.getDate(),
    clock: `${two(hours)}:${two(minutes)}:${two(date.getUTCSeconds())}`,
    ms: String(Math.floor(((ms % 1000) + 1000) % 1000)).padStart(3, "0"),
  };
}

/** `Jan 29 08:48:16.546`: what a row shows, or `2023-01-29 08:48:16.546` in lists that leave this year. */
export function rowTime(ms: number, zone: Zone, withYear = false): string {
  const p = parts(ms, zone);
  if (withYear) return `${p.year}-${two(p.month + 1)}-${two(p.day)} ${p.clock}.${p.ms}`;
  return `${MONTHS[p.month]} ${two(p.day)} ${p.clock}.${p.ms}`;
}

/** `2023-01-29 08:48:16.546346267 UTC`: all digits that were sent. */
export function fullTime(nanos: string, zone: Zone): string {
  const whole = BigInt(nanos);
  const p = parts(Number(whole / 1_000_000n), zone);
  const fraction = String(((whole % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n).padStart(9, "0");
  return `${p.year}-${two(p.month + 1)}-${two(p.day)} ${p.clock}.${fraction}${zone === "utc" ? " UTC" : ""}`;
}

/** Whether any of these times is in another year than `nowMs`: then rows must say which. */
export function leavesThisYear(times: (number | undefined)[], nowMs: number): boolean {
  const year = new Date(nowMs).getFullYear();
  return times.some((ms) => ms !== undefined && new Date(ms).getFullYear() !== year);
}

/** `2023-01-29 08:48:16`, without seconds where they say nothing. */
export function shortTime(ms: number, zone: Zone, withSeconds = true): string {
  const p = parts(ms, zone);
  return `${p.year}-${two(p.month + 1)}-${two(p.day)} ${withSeconds ? p.clock : p.clock.slice(0, 5)}`;
}

/** A label on a time axis, as coarse as the distance between labels allows. */
export function axisTime(ms: number, stepMs: number, zone: Zone): string {
  const p = parts(ms, zone);
  if (stepMs >= 300 * 864e5) return String(p.year);
  if (stepMs >= 27 * 864e5) return `${MONTHS[p.month]} ${p.year}`;
  if (stepMs >= 864e5) return `${MONTHS[p.month]} ${p.day}`;
  if (stepMs >= 6e4) return p.clock.slice(0, 5);
  if (stepMs >= 1e3) return p.clock;
  return `${p.clock.slice(3)}.${p.ms}`;
}

const STEPS: [number, string][] = [
  [31_557_600_000, "y"],
  [2_629_800_000, "mo"],
  [864e5, "d"],
  [36e5, "h"],
  [6e4, "min"],
  [1e3, "s"],
];

/** `3 min ago`, `2.8 y ago`. */
export function ago(ms: number, nowMs: number): string {
  const distance = Math.abs(nowMs - ms);
  const tail = ms > nowMs ? "from now" : "ago";
  for (const [size, unit] of STEPS) {
    if (distance >= size) {
      const n = distance / size;
      return `${unit === "y" && n < 10 ? fixed(n, 1) : Math.floor(n)} ${unit} ${tail}`;
    }
  }
  return "just now";
}

const trim = (value: number, unit: string): string => {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${fixed(value, digits)} ${unit}`;
};

/** `812 ns`, `45.3 µs`, `1.25 ms`, `3.40 s`, `2 m 05 s`. */
export function duration(ns: number): string {
  if (ns === 0) return "0";
  if (ns < 0) return `−${duration(-ns)}`;
  if (ns < 999.5) return `${Math.round(ns)} ns`;
  if (ns < 999_500) return trim(ns / 1e3, "µs");
  if (ns < 999_500_000) return trim(ns / 1e6, "ms");
  const seconds = ns / 1e9;
  if (seconds < 60) return trim(seconds, "s");
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${two(whole % 60)} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} m`;
  return `${Math.floor(whole / 86400)} d ${two(Math.floor((whole % 86400) / 3600))} h`;
}

/** A difference of durations: `+200 ms`, `−1.5 s`, `0`. */
export const signed = (ns: number): string => (ns > 0 ? `+${duration(ns)}` : duration(ns));

/** `12 345`, with a thin space: never mistaken for a decimal. */
export function count(value: number): string {
  if (!Number.isInteger(value)) return String(value);
  return WHOLE.formatToParts(value)
    .map((part) => (part.type === "group" ? "\u2009" : part.value))
    .join("");
}

/** A number that may have a fraction, with four digits that say something. */
export const decimal = (value: number): string => (Number.isInteger(value) && Math.abs(value) < 1e15 ? count(value) : String(Number(value.toPrecision(4))));

export function compact(value: number): string {
  if (value < 10_000) return count(value);
  if (value < 999_500) return `${trim(value / 1e3, "k").replace(" ", "")}`;
  return trim(value / 1e6, "M").replace(" ", "");
}

/** A number that is not known to the last digit: `12.5`, `4 321`. */
export const about = (value: number): string => (value >= 100 || Number.isInteger(value) ? count(Math.round(value)) : String(Number(value.toPrecision(3))));

export function percent(part: number, whole: number): string {
  if (whole === 0 || part === 0) return "0 %";
  const value = (part / whole) * 100;
  return value < 0.1 ? "<0.1 %" : `${value < 10 ? fixed(value, 1) : Math.round(value)} %`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/** `1.5 GB`, in powers of a thousand, as disks are sold. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let size = value;
  let unit = 0;
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : fixed(size, 1)} ${units[unit]}`;
}
