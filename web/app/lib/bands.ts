/** Durations in bands of 1, 2, 5 × a power of ten, those of the server's heatmap. Their limits can be written in a query as they are. */

const UNITS = ["us", "ms", "s"] as const;
const LAST_NS = 1e12;

/** Where bands begin, in nanoseconds: the first has all that is shorter than a microsecond, the last all from 1,000 s on. */
export const BAND_STARTS: readonly number[] = [0, ...Array.from({ length: 9 }, (_, power) => [1, 2, 5].map((factor) => factor * 10 ** (power + 3))).flat(), LAST_NS];

export function bandOf(ns: number): number {
  const next = BAND_STARTS.findIndex((start) => start > ns);
  return Math.max(0, next === -1 ? BAND_STARTS.length - 1 : next - 1);
}

/** `2ms`; without loss, since bands begin at whole numbers of a unit. */
export function limitText(ns: number): string {
  const unit = Math.min(2, Math.max(0, Math.floor(Math.log10(ns) / 3) - 1));
  return `${Math.round(ns / 1000 ** (unit + 1))}${UNITS[unit]}`;
}

/** The clause that finds durations of the bands from one to another, both included; empty for all. */
export function bandClause(low: number, high: number): string {
  const from = BAND_STARTS[low] ?? 0;
  const to = BAND_STARTS[high + 1];
  return [...(from > 0 ? [`duration>=${limitText(from)}`] : []), ...(to === undefined ? [] : [`duration<${limitText(to)}`])].join(" ");
}

/** `2 ms – 5 ms`, `under 1 µs`, `1000 s or more`. */
export function bandName(low: number, high = low): string {
  const say = (ns: number): string => limitText(ns).replace(/^(\d+)/, "$1 ").replace("us", "µs");
  const from = BAND_STARTS[low] ?? 0;
  const to = BAND_STARTS[high + 1];
  if (to === undefined) return from === 0 ? "any duration" : `${say(from)} or more`;
  return from === 0 ? `under ${say(to)}` : `${say(from)} – ${say(to)}`;
}
