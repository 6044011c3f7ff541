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

/** One point in time: ISO, `now`, `now-1h`, `-1h`, or Unix seconds to nanoseconds, told apart by size. Milliseconds. */
export function parsePoint(text: string, nowMs: number): number | null {
  const point = text.trim().toLowerCase();
  if (point === "now") return nowMs;
  const relative = /^(?:now)?\s*([+-])\s*(\d+(?:\.\d+)?)\s*([smhdw])$/.exec(point);
  if (relative) {
    const span = Number(relative[2]) * (UNIT_MS[relative[3] ?? ""] ?? 0);
    return relative[1] === "-" ? nowMs - span : nowMs + span;
  }
  if (/^\d{9,20}$/.test(point)) return epochToMs(point);
  if (!/^\d{4}-\d{1,2}/.test(point)) return null;
  const iso = /^\d{4}-\d{2}-\d{2}$/.test(point) ? `${point}T00:00:00` : point.replace(/^(\S+)\s+(\d)/, "$1T$2").toUpperCase();
  const parsed = Date.parse(iso.replace(/(\.\d{3})\d+/, "$1"));
  return Number.isNaN(parsed) ? null : parsed;
}

function epochToMs(digits: string): number {
  const value = Number(digits);
  if (value < 1e11) return value * 1e3;
  if (value < 1e14) return value;
  if (value < 1e17) return value / 1e3;
  return value / 1e6;
}

/** What a person types into the picker: `2h`, `yesterday`, `today`, `all`, `2023-01-29 08:00 to 09:00`, a single time. */
export function parseTypedRange(text: string, nowMs: number): Range | null {
  const typed = text.trim().toLowerCase();
  if (typed === "") return null;
  if (/^(all|all time|everything)$/.test(typed)) return ALL_TIME;
  const span = /^(?:last\s+)?(\d+(?:\.\d+)?)\s*(s|m|h|d|w)(?:ec(?:ond)?s?|in(?:ute)?s?|ours?|r?s?|ays?|eeks?)?$/.exec(typed);
  if (span) return { start: `now-${span[1]}${span[2]}`, end: null };
  if (typed === "today" || typed === "yesterday") return dayRange(typed, nowMs);
  const parts = typed.split(/\s+(?:to|until|–|—)\s+|\s*(?:–|—|\.\.)\s*|\s+-\s+/);
  if (parts.length === 2) return twoPoints(parts[0] ?? "", parts[1] ?? "", nowMs);
  const point = parsePoint(typed, nowMs);
  if (point === null) return null;
  if (/^(now)?\s*-/.test(typed)) return { start: typed.startsWith("now") ? typed : `now${typed}`, end: null };
  if (/^\d{4}-\d{2}-\d{2}$/.test(typed)) return { start: toIso(point), end: toIso(point + 864e5) };
  return { start: toIso(point - 5 * 6e4), end: toIso(point + 5 * 6e4) };
}

function dayRange(word: string, nowMs: number): Range {
  const midnight = new Date(nowMs);
  midnight.setHours(0, 0, 0, 0);
  if (word === "today") return { start: toIso(midnight.getTime()), end: null };
  const before = new Date(midnight);
  before.setDate(before.getDate() - 1);
  return { start: toIso(before.getTime()), end: toIso(midnight.getTime()) };
}

function twoPoints(from: string, to: string, nowMs: number): Range | null {
  const start = parsePoint(from, nowMs);
  // `2023-01-29 08:00 to 09:00`: the second takes the day of the first.
  const sameDay = /^\d{1,2}:\d{2}/.test(to) ? `${from.trim().slice(0, 10)} ${to.padStart(5, "0")}` : to;
  const end = parsePoint(sameDay, nowMs);
  if (start === null || end === null || start >= end) return null;
  const keep = (text: string, ms: number): string => (text.trim().startsWith("now") ? text.trim() : toIso(ms));
  return { start: keep(from, start), end: keep(to, end) };
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
