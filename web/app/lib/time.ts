import { parseStamp } from "./stamps";

/** Time ranges as they stand in the URL: `start` and `end`, each an RFC 3339 time, `now`, `now-15m`, or absent. */

export interface Range {
  start: string | null;
  end: string | null;
}

export const ALL_TIME: Range = { start: null, end: null };

const UNIT_MS: Record<string, number> = { s: 1e3, m: 6e4, h: 36e5, d: 864e5, w: 6048e5 };

export const QUICK_RANGES: { label: string; range: Range }[] = [
  { label: "Last 5 minutes", range: { start: "now-5m", end: null } },
  { label: "Last 15 minutes", range: { start: "now-15m", end: null } },
  { label: "Last 1 hour", range: { start: "now-1h", end: null } },
  { label: "Last 6 hours", range: { start: "now-6h", end: null } },
  { label: "Last 24 hours", range: { start: "now-24h", end: null } },
  { label: "Last 7 days", range: { start: "now-7d", end: null } },
  { label: "Last 30 days", range: { start: "now-30d", end: null } },
  { label: "All time", range: ALL_TIME },
];

export type Zone = "local" | "utc";

const DAYS = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/**
 * One point in time: ISO, `now`, `now-1h`, `-1h`, `2h ago`, `yesterday 14:00`, `monday`, `14:00`, or Unix
 * seconds to nanoseconds, told apart by size, and times as logs write them. Milliseconds. What names no zone is read in `zone`.
 */
export function parsePoint(text: string, nowMs: number, zone: Zone = "local"): number | null {
  const point = text.trim().toLowerCase();
  if (point === "now") return nowMs;
  const relative = /^(?:now)?\s*([+-])\s*(\d+(?:\.\d+)?)\s*([smhdw])$/.exec(point);
  if (relative) {
    const span = Number(relative[2]) * (UNIT_MS[relative[3] ?? ""] ?? 0);
    return relative[1] === "-" ? nowMs - span : nowMs + span;
  }
  const back = /^(\d+(?:\.\d+)?)\s*(s|m|h|d|w)[a-z]*\s+ago$/.exec(point);
  if (back) return nowMs - Number(back[1]) * (UNIT_MS[back[2] ?? ""] ?? 0);
  if (/^\d{9,20}$/.test(point)) return epochToMs(point);
  const clock = clockPoint(point, nowMs, zone);
  if (clock !== null) return clock;
  return parseStamp(point, nowMs, zone);
}

/** `today`, `yesterday 14:00`, `monday 9:30`, and `14:00`: the last time it was that late. */
function clockPoint(point: string, nowMs: number, zone: Zone): number | null {
  const match = /^([a-z]+)?\s*(?:(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/.exec(point);
  if (!match || (match[1] === undefined && match[2] === undefined)) return null;
  const [, word, hours = "0", minutes = "0", seconds = "0"] = match;
  if (Number(hours) > 24 || Number(minutes) > 59 || Number(seconds) > 59) return null;
  const at = (daysBack: number): number => {
    const date = new Date(nowMs);
    if (zone === "utc") return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() - daysBack, Number(hours), Number(minutes), Number(seconds));
    return new Date(date.getFullYear(), date.getMonth(), date.getDate() - daysBack, Number(hours), Number(minutes), Number(seconds)).getTime();
  };
  if (word === undefined) return at(0) <= nowMs ? at(0) : at(1);
  if (word === "today") return at(0);
  if (word === "yesterday") return at(1);
  const day = word.length < 3 ? -1 : DAYS.findIndex((name) => name.startsWith(word));
  if (day === -1) return null;
  const today = zone === "utc" ? new Date(nowMs).getUTCDay() : new Date(nowMs).getDay();
  return at((today - day + 7) % 7);
}

function epochToMs(digits: string): number {
  const value = Number(digits);
  if (value < 1e11) return value * 1e3;
  if (value < 1e14) return value;
  if (value < 1e17) return value / 1e3;
  return value / 1e6;
}

const SPAN_UNITS: [RegExp, string, number][] = [
  [/^s(ec(ond)?s?)?$/, "s", 1],
  [/^m(in(ute)?s?)?$/, "m", 60],
  [/^h((ou)?rs?)?$/, "h", 3600],
  [/^d(ays?)?$/, "d", 86_400],
  [/^w(eeks?|ks?)?$/, "w", 604_800],
  [/^mo(nths?)?$/, "d", 30 * 86_400],
  [/^y((ea)?rs?)?$/, "d", 365 * 86_400],
];

/** `2h`, `last 30 minutes`, `1h 30m`, `1.5 days`, `last week`, `3 months` (of thirty days), in one whole unit as addresses have it. */
function typedSpan(typed: string): string | null {
  const [, last, rest = ""] = /^(?:(last|past)\s+)?(.*)$/.exec(typed) ?? [];
  const counted = last && /^[a-z]+$/.test(rest) ? `1${rest}` : rest;
  if (!/^(\d+(\.\d+)?\s*[a-z]+\s*)+$/.test(counted)) return null;
  const parts = [...counted.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)].map(([, number, word = ""]) => ({ number: Number(number), unit: SPAN_UNITS.find(([names]) => names.test(word)) }));
  const only = parts.length === 1 ? parts[0] : undefined;
  if (only?.unit && Number.isInteger(only.number)) return `${(only.number * only.unit[2]) / (SPAN_SECONDS[only.unit[1]] ?? 1)}${only.unit[1]}`;
  const seconds = Math.round(parts.reduce((sum, { number, unit }) => sum + number * (unit?.[2] ?? Number.NaN), 0));
  if (!(seconds > 0)) return null;
  const unit = ["d", "h", "m"].find((each) => seconds % (SPAN_SECONDS[each] ?? 1) === 0) ?? "s";
  return `${seconds / (SPAN_SECONDS[unit] ?? 1)}${unit}`;
}

const SPAN_SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** What a person types into the picker: `2h`, `yesterday`, `today`, `all`, `2023-01-29 08:00 to 09:00`, a single time. */
export function parseTypedRange(text: string, nowMs: number, zone: Zone = "local"): Range | null {
  const typed = text.trim().toLowerCase();
  if (typed === "") return null;
  if (/^(all|all time|everything)$/.test(typed)) return ALL_TIME;
  const span = typedSpan(typed);
  if (span) return { start: `now-${span}`, end: null };
  const parts = typed.split(/\s+(?:to|until|–|—)\s+|\s*(?:–|—|\.\.)\s*|\s+-\s+|(?<=:\d{2})-(?=\d{1,2}:)/);
  if (parts.length === 2) return twoPoints(parts[0] ?? "", parts[1] ?? "", nowMs, zone);
  const point = parsePoint(typed, nowMs, zone);
  if (point === null) return null;
  if (/^(now)?\s*-/.test(typed)) return { start: typed.startsWith("now") ? typed : `now${typed}`, end: null };
  if (typed === "today") return { start: toIso(point), end: null };
  if (/^(\d{4}[-/]\d{1,2}[-/]\d{1,2}|[a-z]+|[a-z]{3,9} \d{1,2}(,? \d{4})?|\d{1,2} [a-z]{3,9} \d{4})$/.test(typed) && typed !== "now") return { start: toIso(point), end: toIso(nextDay(point, zone)) };
  if (/ago$/.test(typed)) return { start: toIso(point), end: null };
  return { start: toIso(point - 5 * 6e4), end: toIso(point + 5 * 6e4) };
}

/** Days have 23 to 25 hours where clocks are changed. */
function nextDay(ms: number, zone: Zone): number {
  if (zone === "utc") return ms + 864e5;
  const date = new Date(ms);
  date.setDate(date.getDate() + 1);
  return date.getTime();
}

function twoPoints(from: string, to: string, nowMs: number, zone: Zone): Range | null {
  const start = parsePoint(from, nowMs, zone);
  // `2023-01-29 08:00 to 09:00`: the second takes the day of the first.
  const day = /^(.+?)(?:\s+|(?<=\d)t)\d{1,2}:\d{2}/.exec(from.trim())?.[1] ?? /^(\d{4}-\d{2}-\d{2}|[a-z]+)$/.exec(from.trim())?.[1];
  const sameDay = /^\d{1,2}:\d{2}/.test(to) && day && day !== "now" ? `${day} ${to.trim().padStart(5, "0")}` : to;
  const end = parsePoint(sameDay, nowMs, zone);
  if (start === null || end === null || start >= end) return null;
  const keep = (text: string, ms: number): string => (text.trim().startsWith("now") ? text.trim() : toIso(ms));
  return { start: keep(from, start), end: keep(to, end) };
}

const MIN_WIDTH_MS = 1000;

function width(range: Range, nowMs: number): { start: number; end: number } | null {
  const start = range.start === null ? null : parsePoint(range.start, nowMs);
  const end = range.end === null ? nowMs : parsePoint(range.end, nowMs);
  return start === null || end === null || start >= end ? null : { start, end };
}

/** Twice as wide around the same middle, but not into the future when it did not reach there. `null` when it has no beginning. */
export function zoomOut(range: Range, nowMs: number): Range | null {
  const now = width(range, nowMs);
  if (!now) return null;
  const half = Math.max(MIN_WIDTH_MS, now.end - now.start) / 2;
  const end = now.end <= nowMs ? Math.min(nowMs, now.end + half) : now.end + half;
  return { start: toIso(end - 4 * half), end: toIso(end) };
}

/** The range as wide, before or after this one. */
export function stepRange(range: Range, by: 1 | -1, nowMs: number): Range | null {
  const now = width(range, nowMs);
  if (!now) return null;
  const span = now.end - now.start;
  return { start: toIso(now.start + by * span), end: toIso(now.end + by * span) };
}

/** Fixes relative points to one `now`, so that a list, its pages and its histogram speak of the same range. */
export function resolveRange(range: Range, nowMs: number): Range {
  const fix = (text: string | null): string | null => {
    if (text === null || !/^(now|-)/.test(text.trim())) return text;
    const ms = parsePoint(text, nowMs);
    return ms === null ? text : toIso(ms);
  };
  return { start: fix(range.start), end: fix(range.end) };
}

export const toIso = (ms: number): string => new Date(ms).toISOString();
export const nanosToMs = (nanos: string): number => Number(BigInt(nanos) / 1000n) / 1e3;

export function isRelative(range: Range): boolean {
  return [range.start, range.end].some((text) => text !== null && /^(now|-)/.test(text));
}

/** Whole milliseconds around a span of milliseconds, so that no record at the rim is cut off. */
export function rangeAround(startMs: number, endMs: number): Range {
  const start = Math.floor(startMs);
  return { start: toIso(start), end: toIso(Math.max(start + 1, Math.ceil(endMs))) };
}

const AROUND_MS = 30 * 60_000;

/** The hour or so around a trace: what its services did then. */
export function hourAround(startNanos: string, durationNs: number): Range {
  const start = nanosToMs(startNanos);
  return rangeAround(start - AROUND_MS, start + durationNs / 1e6 + AROUND_MS);
}
