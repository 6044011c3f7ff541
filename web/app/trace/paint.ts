import type { LogRecord, TimelineSpan } from "../api/types";
import { SLOTS } from "../lib/colour";
import { duration } from "../lib/format";
import type { Paint } from "../lib/paintby";
import type { SimilarGroup } from "../lib/similar";
import { ticksOf, type Tick } from "../lib/ticks";
import { selfSegments, type Segment } from "../lib/tree";
import type { TraceState } from "./use-view";
import type { Zoom } from "./zoom";

/** The colours of tokens.css as this page shows them now: a canvas cannot read custom properties by itself. */
export interface Palette {
  /** Any colour, by its name there. */
  of: (token: string) => string;
  services: string[];
  error: string;
  errorText: string;
  warn: string;
  text: string;
  muted: string;
  surface: string;
  line: string;
  /** Of what can be clicked. */
  strong: string;
  font: string;
}

export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const known = new Map<string, string>();
  const read = (name: string): string => {
    const value = known.get(name) ?? style.getPropertyValue(name).trim();
    known.set(name, value);
    return value;
  };
  return {
    of: read,
    services: Array.from({ length: SLOTS }, (_, slot) => read(`--service-${slot}`)),
    error: read("--error"),
    errorText: read("--error-text"),
    warn: read("--warn"),
    text: read("--text"),
    muted: read("--text-3"),
    surface: read("--surface"),
    line: read("--line"),
    strong: read("--line-strong"),
    font: `${read("--text-xs")} ${read("--sans")}`,
  };
}

export interface Geometry {
  /** Of the time scale, without the room for labels. */
  barWidth: number;
  rowHeight: number;
  /** From the top of a row to its bar. */
  barTop: number;
  perNs: number;
}

const BAR = 10;
const SMALL_BAR = 6;
const THIN = 4;
const MAX_SEGMENTS = 200;

/** Draws the bars of rows `first` to `last`: light where callees run, full where the span works, then ticks and durations. */
export function paintRows(context: CanvasRenderingContext2D, state: TraceState, logs: Map<string, LogRecord[]>, palette: Palette, geometry: Geometry, first: number, last: number): void {
  const { spans } = state.trace;
  const start = BigInt(state.trace.start_time_unix_nano);
  for (let row = first; row < last; row += 1) {
    const index = state.rows[row];
    if (index === undefined) continue;
    const top = (row - first) * geometry.rowHeight + geometry.barTop;
    const group = state.groupAt(index);
    if (group) paintGroup(context, state, group, palette, geometry, top);
    const span = spans[index];
    if (!span) continue;
    context.globalAlpha = state.matchSet !== null && !state.matchSet.has(index) ? 0.35 : 1;
    const bar: Bar = { start_ns: span.start_offset_ns, duration_ns: span.duration_ns, paint: state.colours.of(span), light: span.child_count === 0 ? 1 : 0.34, work: () => selfSegments(spans, index), callerEnd_ns: endOf(spans[span.parent_index ?? -1]) };
    paintBar(context, bar, state.zoom.from, palette, geometry, top);
    if (state.showCritical) paintCritical(context, state.critical().byIndex.get(index) ?? [], state.zoom.from, palette, geometry, top);
    for (const tick of ticksOf(span, start, logs.get(span.span_id))) paintTick(context, tick, state.zoom.from, palette, geometry, top);
  }
  context.globalAlpha = 1;
}

const endOf = (span: TimelineSpan | undefined): number => (span ? span.start_offset_ns + span.duration_ns : Number.POSITIVE_INFINITY);

/** What a bar says of a span. */
export interface Bar {
  start_ns: number;
  duration_ns: number;
  paint: Paint;
  /** How much of the colour is left where its children may run; 1 for a span without any. */
  light: number;
  /** The parts in which the span itself works; null where that is not known. */
  work: (() => Segment[]) | null;
  /** After it the bar is thin: nobody waits for the span any more. */
  callerEnd_ns: number;
}

/** One bar and its duration, or an arrow to where it is when that is not in sight. */
export function paintBar(context: CanvasRenderingContext2D, bar: Bar, zoomFrom: number, palette: Palette, { barWidth, perNs }: Geometry, top: number): void {
  const x = (ns: number): number => (ns - zoomFrom) * perNs;
  const left = x(bar.start_ns);
  const right = left + bar.duration_ns * perNs;
  if (left > barWidth || right < 0) {
    context.fillStyle = palette.muted;
    context.fillText(left > barWidth ? "›" : "‹", left > barWidth ? barWidth - 4 : 2, top + BAR / 2);
    return;
  }
  const from = Math.max(0, left);
  const width = Math.max(2, Math.min(barWidth, right) - from);
  const alpha = context.globalAlpha;
  context.fillStyle = palette.of(bar.paint.token);
  // A bar of a few pixels has no room for two tones or heights; the lesser alone would hardly be seen.
  const isSmall = width < SMALL_BAR;
  const light = isSmall ? 1 : bar.light;
  const cut = isSmall ? Number.POSITIVE_INFINITY : Math.max(from, x(bar.callerEnd_ns));
  const strip = (a: number, b: number, radius: number): void => {
    context.beginPath();
    if (Math.min(b, cut) > a) context.roundRect(a, top, Math.min(b, cut) - a, BAR, radius);
    if (b > Math.max(a, cut)) context.roundRect(Math.max(a, cut), top + (BAR - THIN) / 2, b - Math.max(a, cut), THIN, radius / 2);
    context.fill();
  };
  context.globalAlpha = alpha * bar.paint.strength * light;
  strip(from, from + width, 2);
  context.globalAlpha = alpha * bar.paint.strength;
  if (light < 1 && bar.work) {
    for (const segment of bar.work().slice(0, MAX_SEGMENTS)) {
      const a = Math.max(from, x(segment.start));
      const b = Math.min(from + width, x(segment.end));
      if (b - a >= 0.5) strip(a, b, 0);
    }
  }
  context.globalAlpha = alpha;
  context.fillStyle = palette.muted;
  context.fillText(duration(bar.duration_ns), from + width + 6, top + BAR / 2 + 0.5);
}

/** Below a bar: where the end of the trace waited for it. */
export function paintCritical(context: CanvasRenderingContext2D, parts: readonly Zoom[], zoomFrom: number, palette: Palette, { barWidth, perNs }: Geometry, top: number): void {
  context.fillStyle = palette.text;
  for (const part of parts) {
    const a = Math.max(0, (part.from - zoomFrom) * perNs);
    const b = Math.min(barWidth, (part.to - zoomFrom) * perNs);
    if (b > a) context.fillRect(a, top + BAR + 1, Math.max(1, b - a), 2);
  }
}

/** All spans of a group on one line: where they crowd and where they fail, and the time between them in grey. */
function paintGroup(context: CanvasRenderingContext2D, state: TraceState, group: SimilarGroup, palette: Palette, { barWidth, perNs }: Geometry, top: number): void {
  const x = (ns: number): number => (ns - state.zoom.from) * perNs;
  const from = Math.max(0, x(group.start_ns));
  const to = Math.min(barWidth, x(group.end_ns));
  context.globalAlpha = 1;
  context.fillStyle = palette.line;
  if (to > from) context.fillRect(from, top + BAR / 2 - 1, to - from, 2);
  let painted = Number.NEGATIVE_INFINITY;
  for (const index of group.members) {
    const span = state.trace.spans[index];
    if (!span) continue;
    const left = Math.max(0, x(span.start_offset_ns));
    const right = Math.min(barWidth, x(span.start_offset_ns + span.duration_ns));
    const isError = span.status_code === "ERROR";
    // Thousands lie on one pixel: the first is enough, and every error.
    if (right < 0 || left > barWidth || (!isError && right <= painted && left <= painted)) continue;
    painted = Math.max(painted, Math.ceil(right));
    const paint = state.colours.of(span);
    context.globalAlpha = paint.strength * (state.matchSet !== null && !state.matchSet.has(index) ? 0.25 : 0.85);
    context.fillStyle = palette.of(paint.token);
    context.fillRect(left, top, Math.max(1, right - left - 0.5), BAR);
  }
  context.globalAlpha = 1;
  context.fillStyle = palette.muted;
  if (to >= 0 && from <= barWidth) context.fillText(duration(group.total_ns), Math.max(from, to) + 6, top + BAR / 2 + 0.5);
}

export function paintTick(context: CanvasRenderingContext2D, tick: Tick, zoomFrom: number, palette: Palette, { barWidth, perNs }: Geometry, top: number): void {
  const x = (tick.ns - zoomFrom) * perNs;
  if (x < 0 || x > barWidth) return;
  context.fillStyle = tick.kind === "error" ? palette.error : tick.kind === "warn" ? palette.warn : palette.muted;
  if (tick.kind !== "event") {
    context.fillRect(Math.round(x) - 1, top + BAR + 1, 2, 5);
    return;
  }
  context.save();
  context.translate(x, top + BAR / 2);
  context.rotate(Math.PI / 4);
  context.fillStyle = palette.surface;
  context.fillRect(-3, -3, 6, 6);
  context.strokeStyle = palette.text;
  context.lineWidth = 1.25;
  context.strokeRect(-3, -3, 6, 6);
  context.restore();
}
