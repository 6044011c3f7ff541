import type { JSX } from "preact";
import { axisTime, type Zone } from "../lib/format";

const AXIS_STEPS_MS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 10e3, 15e3, 30e3, 6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 108e5, 216e5, 432e5, 864e5,
  1728e5, 6048e5, 14 * 864e5, 30 * 864e5, 91 * 864e5, 182 * 864e5, 365 * 864e5, 730 * 864e5,
];

/** Of a label, about; one that would be cut off is left out. */
const CHARACTER_PX = 6;

interface Props {
  startMs: number;
  spanMs: number;
  width: number;
  zone: Zone;
  /** Pixels at the end where something else stands. */
  taken?: number;
}

/** Labels under a chart over time, at round clock times. */
export function Axis({ startMs, spanMs, width, zone, taken = 0 }: Props): JSX.Element {
  const labels: JSX.Element[] = [];
  if (spanMs > 0 && width > 0) {
    const wanted = Math.max(2, Math.floor(width / 110));
    const stepMs = AXIS_STEPS_MS.find((step) => spanMs / step <= wanted) ?? 3650 * 864e5;
    for (const at of axisPoints(startMs, startMs + spanMs, stepMs, zone)) {
      const x = ((at - startMs) / spanMs) * width;
      const label = axisTime(at, stepMs, zone);
      if (x < width - taken - label.length * CHARACTER_PX - 8) labels.push(<span key={at} style={{ left: `${x}px` }}>{label}</span>);
    }
  }
  return <div class="histogram-axis" aria-hidden="true">{labels}</div>;
}

const MONTH_MS = 30 * 864e5;

/** Where labels stand: round clock times, or the first of months, whose lengths differ. */
function axisPoints(fromMs: number, toMs: number, stepMs: number, zone: Zone): number[] {
  const points: number[] = [];
  if (stepMs < MONTH_MS) {
    const shift = zone === "utc" ? 0 : new Date(fromMs).getTimezoneOffset() * 6e4;
    for (let at = Math.ceil((fromMs - shift) / stepMs) * stepMs + shift; at < toMs; at += stepMs) points.push(at);
    return points;
  }
  const months = Math.max(1, Math.round(stepMs / (365 * 864e5 / 12)));
  const year = new Date(fromMs).getUTCFullYear();
  for (let month = 0; ; month += months) {
    const at = zone === "utc" ? Date.UTC(year, month, 1) : new Date(year, month, 1).getTime();
    if (at >= toMs) return points;
    if (at >= fromMs) points.push(at);
  }
}
